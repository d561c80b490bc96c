//! Names in texts, however they are written.

use super::{Names, other_named};

fn names(given: &str, family: &str) -> Names {
    Names { given: vec![given.to_owned()], middle: Vec::new(), family: vec![family.to_owned()] }
}

fn zoltan() -> Names {
    let mut zoltan = names("Zoltan", "Kowalczyk-Ibáñez");
    zoltan.given.push("Zolly".to_owned());
    zoltan.middle.push("Quentin".to_owned());
    zoltan
}

#[test]
fn others_are_found_by_any_of_their_names() {
    let mila = names("Mila", "Okafor");
    let others = [names("Quin", "Child"), names("Will", "Okafor"), names("张伟", "李"), names("A", "Berg")];
    for (text, named) in [
        ("Mila Okafor was in a fight.", None),
        ("Mila will be home at noon, and a child may come along.", None),
        ("Mila hit Quin.", Some("Quin")),
        ("MILA HIT QUIN CHILD", Some("QUIN CHILD")),
        ("Quinta is a name of its own", None),
        ("the brother Will saw it", Some("Will")),
        ("Will she come?", Some("Will")),
        ("will okafor saw it", Some("will okafor")),
        ("她打了张伟。", Some("张伟")),
        ("她带着行李。", None),
        ("A letter", None),
        ("a berg saw it", Some("a berg")),
        ("an iceberg", None),
        ("Child, Quin", Some("Child, Quin")),
    ] {
        assert_eq!(other_named(text, &mila, &others).as_deref(), named, "{text}");
    }
}

#[test]
fn a_name_is_found_however_it_is_written() {
    let others = [zoltan(), names("Anne-Sophie", "O'Brien"), names("Li", "Wu")];
    for word in [
        "Zoltan",
        "ZOLTAN",
        "Zoltán",
        "zOLTAN",
        "Zolly",
        "Zoltans",
        "Kowalczyk",
        "KOWALCZYK",
        "Ibáñez",
        "Ibanez",
        "IBÁÑEZ",
        "Iba\u{301}n\u{303}ez",
        "Kowalczyk-Ibáñez",
        "Kowalczyk\u{2013}Ibáñez",
        "KowalczykIbanez",
        "Anne",
        "Sophie",
        "AnneSophie",
        "Anne Sophie",
        "O'Brien",
        "O’Brien",
        "Oʼ\u{200b}Brien",
        "OBrien",
        "Brien",
        "Quentin",
        "LI",
        "Wu",
        "Zol\u{ad}tan",
        "Zol\u{200b}tan",
        "Zol\u{fe0f}tan",
        "Zol\u{2060}tan",
        "\u{feff}Zoltan",
        "Ｚｏｌｔａｎ",
        "𝐙𝐨𝐥𝐭𝐚𝐧",
        "Z-o-l-t-a-n",
        "Z.o.l.t.a.n",
    ] {
        for text in [format!("She hit {word} twice."), format!("{word}: hit"), format!("(hit by {word})")] {
            assert_eq!(other_named(&text, &names("Mila", "Okafor"), &others).as_deref(), Some(word), "{text}");
        }
    }
    for (text, word) in [
        ("It is Zoltan's bag.", "Zoltan"),
        ("It is Zoltan’s bag.", "Zoltan"),
        ("c'est le sac d'Anne", "Anne"),
        ("class 7b/Zoltan2", "Zoltan"),
        ("hit.Zoltan", "Zoltan"),
        ("said zoltan kowalczyk ibanez", "zoltan kowalczyk ibanez"),
    ] {
        assert_eq!(other_named(text, &names("Mila", "Okafor"), &others).as_deref(), Some(word), "{text}");
    }
}

#[test]
fn words_that_are_no_names_stay() {
    let others = [
        names("Will", "de la Rosa"),
        names("Rose", "van der Berg"),
        names("May", "al-Hadi"),
        names("Mai", "Bo-Le"),
        names("Wa", "Q"),
        Names { middle: vec!["Thi".to_owned(), "J".to_owned()], ..names("Hoa", "Nguyen") },
        names("Mark", "Ng"),
    ];
    for text in [
        "Your child will rest; the guest rose and may mark it down.",
        "De facto, la la land: Van and Der, Le Bo, Al",
        "This is it. Thi is short. J, Q and I. Was it so? Was!",
        "strong, long, sing: 2025-05-01, Maybe, Roses-red",
        "",
        "…",
    ] {
        let shown = other_named(text, &names("Mila", "Okafor"), &others);
        let wanted = text.contains("Roses").then(|| "Roses".to_owned());
        assert_eq!(shown, wanted, "{text}");
    }
    for (text, word) in [
        ("in May", "May"),
        ("by De La Rosa", "De La Rosa"),
        ("by de la Rosa", "de la Rosa"),
        ("by Rosa", "Rosa"),
        ("by Hadi", "Hadi"),
        ("by Bo Le", "Bo Le"),
        ("by NG", "NG"),
    ] {
        assert_eq!(other_named(text, &names("Mila", "Okafor"), &others).as_deref(), Some(word), "{text}");
    }
}

#[test]
fn the_students_own_names_tell_nothing() {
    let mila = Names { middle: vec!["Rose".to_owned()], ..names("Mila-Anne", "Marks") };
    let others = [names("Mark", "Marks"), names("Anne", "Rose"), names("MILA", "Berg")];
    for text in ["To the guardians of Mila-Anne Marks:", "Mila Rose Marks", "Anne", "MILA-ANNE MARKS", "Mila’s bag"] {
        assert_eq!(other_named(text, &mila, &others), None, "{text}");
    }
    for (text, word) in [("Mark", "Mark"), ("Mark's", "Mark"), ("mark marks", "mark marks"), ("anne rose", "anne rose")]
    {
        assert_eq!(other_named(text, &mila, &others).as_deref(), Some(word), "{text}");
    }
    let own = names("张伟明", "李");
    let others = [names("张伟", "王")];
    assert_eq!(other_named("张伟明没来", &own, &others), None);
    assert_eq!(other_named("张伟明打了张伟", &own, &others).as_deref(), Some("张伟"));
}

#[test]
fn scripts_without_case_are_looked_through() {
    let others = [names("محمد", "עמית"), names("김철수", "박"), names("ნინო", "สมชาย")];
    for (text, word) in [
        ("ضرب محمد", "محمد"),
        ("ضرب محمّد", "محمّد"),
        ("הוא עמית", "עמית"),
        ("어제 김철수가 왔다", "김철수"),
        ("ნინო", "ნინო"),
        ("เขาตีสมชายแล้ว", "สมชาย"),
        ("박", "박"),
    ] {
        assert_eq!(other_named(text, &names("Mila", "Okafor"), &others).as_deref(), Some(word), "{text}");
    }
    assert_eq!(other_named("수박을 먹었다", &names("Mila", "Okafor"), &others), None);
    assert_eq!(other_named("가난", &names("Mila", "Okafor"), &[names("가나", "Berg")]), None);
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_looked_through(text in "\\PC{0,200}", given in "\\PC{0,20}", family in "\\PC{0,20}") {
        let others = [names(&given, &family)];
        if let Some(word) = other_named(&text, &names("Mila", "Okafor"), &others) {
            proptest::prop_assert!(!word.is_empty());
        }
    }

    #[test]
    fn a_name_among_others_words_is_found(before in "[a-z ,.]{0,30}", name in "[A-Z][a-z]{2,12}") {
        let text = format!("{before} {name} saw it");
        let found = other_named(&text, &names("Ёё", "Ђђ"), &[names(&name, "Щщ")]);
        proptest::prop_assert_eq!(found, Some(name));
    }
}
