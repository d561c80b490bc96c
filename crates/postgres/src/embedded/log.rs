//! The server's log: a new one at each start, the last ones kept beside it, and none of them larger than a bound.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{EmbeddedError, layout::Layout};

/// How many earlier logs are kept.
const KEPT: u32 = 4;

/// Bytes of one. What comes on top between two looks at it goes too, with the part before it.
pub(super) const LARGEST: u64 = 16 << 20;

impl Layout {
    /// Opens a new log and keeps the last ones beside it as `server.log.1` and so on.
    pub(super) fn rotate_log(&self) -> Result<File, EmbeddedError> {
        let log = self.log();
        self.make_room_for_log()?;
        rename_if_there(&log, &self.earlier_log(1))?;
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&log)
            .map_err(EmbeddedError::io("cannot write", &log))
    }

    /// Begins the log anew when it is larger than this; its end becomes `server.log.1`. True when it was.
    ///
    /// The server keeps its file and appends to it, so the file is emptied rather than replaced; a line written in the
    /// instant between is lost.
    pub(super) fn bound_log(&self, largest: u64) -> Result<bool, EmbeddedError> {
        let log = self.log();
        let cannot = |action| EmbeddedError::io(action, &log);
        let mut file = OpenOptions::new().read(true).write(true).open(&log).map_err(cannot("cannot open"))?;
        let length = file.metadata().map_err(cannot("cannot look at"))?.len();
        if length <= largest {
            return Ok(false);
        }
        let kept = self.make_room_for_log().and_then(|()| {
            let target = self.earlier_log(1);
            keep_end(&mut file, length - largest, largest, &target).map_err(EmbeddedError::io("cannot write", &target))
        });
        // Also when nothing could be kept: on a full disk, room matters more.
        file.set_len(0).map_err(cannot("cannot empty"))?;
        kept.map(|()| true)
    }

    fn earlier_log(&self, number: u32) -> PathBuf {
        self.home.join(format!("server.log.{number}"))
    }

    /// Moves the earlier ones up by one; the last falls off.
    fn make_room_for_log(&self) -> Result<(), EmbeddedError> {
        for number in (1..KEPT).rev() {
            rename_if_there(&self.earlier_log(number), &self.earlier_log(number + 1))?;
        }
        Ok(())
    }
}

fn keep_end(log: &mut File, from: u64, most: u64, target: &Path) -> io::Result<()> {
    log.seek(io::SeekFrom::Start(from))?;
    let mut kept = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(target)?;
    io::copy(&mut log.take(most), &mut kept).map(drop)
}

fn rename_if_there(from: &Path, to: &Path) -> Result<(), EmbeddedError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::io("cannot rename", from)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_is_bounded_while_it_is_written_and_its_end_is_kept() {
        let scratch = tempfile::tempdir().unwrap();
        let layout = Layout { data_dir: scratch.path().to_owned(), home: scratch.path().to_owned() };
        let read = |name: &str| fs::read_to_string(scratch.path().join(name)).unwrap_or_default();
        let mut server = layout.rotate_log().unwrap();
        for round in 0..7 {
            server.write_all(b"old old old\n").unwrap();
            assert!(round > 0 || !layout.bound_log(12).unwrap(), "as large as it may be");
            writeln!(server, "new {round}").unwrap();
            assert!(layout.bound_log(6).unwrap());
            assert_eq!((read("server.log"), read("server.log.1")), (String::new(), format!("new {round}\n")));
        }
        writeln!(server, "goes on").unwrap();
        assert_eq!(read("server.log"), "goes on\n");
        assert_eq!(read("server.log.4"), "new 3\n");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 5);
    }
}
