//! How wide and high a picture is, read from its first bytes without unpacking it.

/// Width and height. None where they cannot be read.
pub(super) fn of(media_type: &str, bytes: &[u8]) -> Option<(u32, u32)> {
    match media_type {
        "image/png" => png(bytes),
        "image/jpeg" => jpeg(bytes),
        "image/webp" => webp(bytes),
        _ => None,
    }
}

fn big_16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn little_16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

/// The first chunk says it.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let big_32 = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    (bytes.get(12..16)? == b"IHDR").then_some(())?;
    Some((big_32(16)?, big_32(20)?))
}

/// Segment by segment, to the one that begins a frame.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        // Any number of fill bytes may stand before a marker.
        while bytes.get(at)? == &0xff && bytes.get(at + 1)? == &0xff {
            at += 1;
        }
        let (first, marker) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        if first != 0xff {
            return None;
        }
        match marker {
            // Frames of every kind; the three left out are tables.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big_16(bytes, at + 7)?, big_16(bytes, at + 5)?));
            }
            // Alone, without a length.
            0x01 | 0xd0..=0xd7 => at += 2,
            // The picture itself, or its end, without a frame before it.
            0xd8..=0xda => return None,
            _ => {
                let length = usize::try_from(big_16(bytes, at + 2)?).ok()?;
                (length >= 2).then_some(())?;
                at += 2 + length;
            }
        }
    }
}

/// Of the three kinds there are.
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let little_24 = |at: usize| {
        let three = bytes.get(at..at + 3)?;
        Some(u32::from_le_bytes([three[0], three[1], three[2], 0]))
    };
    match bytes.get(12..16)? {
        b"VP8 " => {
            (bytes.get(23..26)? == b"\x9d\x01\x2a").then_some(())?;
            Some((little_16(bytes, 26)? & 0x3fff, little_16(bytes, 28)? & 0x3fff))
        }
        b"VP8L" => {
            (*bytes.get(20)? == 0x2f).then_some(())?;
            let bits = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((little_24(24)? + 1, little_24(27)? + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn sides_are_read_from_the_first_bytes() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x58\0\0\x03\x20\x08\x02";
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x0b\x08\x03\x20\x02\x58\x01";
        let vp8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x58\x02\x20\x03";
        let vp8l = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x57\xc2\xc7\0";
        let vp8x = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x57\x02\0\x1f\x03\0";
        for (kind, bytes) in [
            ("image/png", &png[..]),
            ("image/jpeg", jpeg),
            ("image/webp", vp8),
            ("image/webp", vp8l),
            ("image/webp", vp8x),
        ] {
            assert_eq!(of(kind, bytes), Some((600, 800)), "{kind}");
            // Cut off anywhere, it is read within bounds, and never as something else.
            for end in 0..bytes.len() {
                assert!(matches!(of(kind, &bytes[..end]), None | Some((600, 800))), "{kind} {end}");
            }
        }
    }

    #[test]
    fn a_jpeg_without_a_frame_has_no_sides() {
        for bytes in
            [&b"\xff\xd8\xff\xe0\0\0"[..], b"\xff\xd8\xff\xd9", b"\xff\xd8ab", b"\xff\xd8\xff\xc4\0\x02\xff\xda"]
        {
            assert_eq!(of("image/jpeg", bytes), None);
        }
    }
}
