use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

#[test]
fn rfc7515_4_member_names_are_unique_at_every_depth() {
    for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"a":2}]}"#, r#"{"\u0061":1,"a":2}"#] {
        assert_eq!(
            object("x", text.as_bytes()),
            Err(JoseError::DuplicateMember { what: "x", member: "a".to_owned() })
        );
    }
}

#[test]
fn members_are_taken_by_name_and_text_is_borrowed() {
    let mut members = read("x", br#"{"x":{"y":[1]},"b":"2","a":1,"\u0063":null,"d":"\u0061\n"}"#).unwrap();
    assert!(matches!(members.take("b"), Some(Json::Text(Text(Cow::Borrowed("2"))))));
    assert!(members.take("b").is_none());
    assert!(matches!(members.take("d"), Some(Json::Text(Text(Cow::Owned(ref text)))) if text == "a\n"));
    assert!(matches!(members.get("c"), Some(Json::Null)));
    assert_eq!((members.text("x", "b"), members.text("x", "c")), (Ok(None), Ok(None)));
    let wrong = JoseError::InvalidMember { what: "x", member: "a", expected: "a string" };
    assert_eq!(members.text("x", "a"), Err(wrong));
    assert_eq!(members.into_map(), object("x", br#"{"a":1,"c":null,"x":{"y":[1]}}"#).unwrap());
}

#[test]
fn unparsed_members_are_handed_over_as_written_and_the_rest_is_checked() {
    let rules = Rules { unparsed: &["a"], top_level_only: true, unique: None };
    let read = |text| match read_by(rules, "x", text)?.take("a") {
        Some(Json::Unparsed(text)) => Ok(Some(text)),
        _ => Ok(None),
    };
    assert_eq!(read(br#"{"b":{"c":1},"a":[{"c":1,"c":2}] }"#), Ok(Some(r#"[{"c":1,"c":2}]"#)));
    assert_eq!(read(br#"{"b\n":"\"","\u0061":["\n",{"c":1,"c":2}] }"#), Ok(Some(r#"["\n",{"c":1,"c":2}]"#)));
    assert_eq!(read(br#"{"b":1}"#), Ok(None));
    for (text, member) in [
        (r#"{"a":1,"a":1}"#, "a"),
        (r#"{"b":1,"a":1,"b":2}"#, "b"),
        (r#"{"b":{"c":1,"c":1}}"#, "c"),
        (r#"{"b":{"a":{"c":1,"c":1}}}"#, "c"),
    ] {
        let member = member.to_owned();
        assert_eq!(read(text.as_bytes()), Err(JoseError::DuplicateMember { what: "x", member }), "{text}");
    }
    for text in ["[]", "7", "{} {}", "{", r#"{"a":}"#, r#"{"a":[1,}"#, "", "\u{feff}{}", r#"{"b":"\ud800"}"#]
    {
        assert_eq!(read(text.as_bytes()), Err(object("x", text.as_bytes()).unwrap_err()), "{text}");
    }
    assert!(matches!(read(b"{\"b\":\"\xff\"}"), Err(JoseError::Json { .. })));
    assert!(matches!(read(b"{\"a\":\"\xff\"}"), Err(JoseError::Json { .. })));
}

#[test]
fn secret_members_are_seen_and_not_copied() {
    let text = br#"{"d":"secret","a":{"d":["secret"]},"b":1,"c":{"d":null,"a":[{"d":[ ]}]}}"#;
    let (value, is_repeated) = any_without(text, &["d"], &["d"]).unwrap();
    let expected = r#"{"a":{"d":null},"b":1,"c":{"a":[{"d":null}],"d":null},"d":null}"#;
    assert_eq!((value.0.to_string().as_str(), is_repeated), (expected, false));
    let rules = Rules { unparsed: &["d"], ..Rules::default() };
    for (value, is_set) in [("null", false), ("[ ]", false), ("[0]", true), ("\"\"", true), ("{}", true)] {
        let text = format!(r#"{{"d":{value}}}"#);
        let is_set_in = |rules| read_by(rules, "x", text.as_bytes()).unwrap().get("d").map(Json::is_set);
        assert_eq!((is_set_in(rules), is_set_in(Rules::default())), (Some(is_set), Some(is_set)), "{value}");
    }
    assert_eq!(
        read_by(rules, "x", br#"{"d":"secret","d":"secret"}"#).err(),
        Some(JoseError::DuplicateMember { what: "x", member: "d".to_owned() })
    );
}

#[test]
fn a_lenient_reader_takes_the_last_of_equal_names() {
    let (value, is_repeated) = any_without(br#"{"b":1,"a":1,"b":[{"c":1,"c":2}]}"#, &[], &["a"]).unwrap();
    assert_eq!((value.0.to_string().as_str(), is_repeated), (r#"{"a":1,"b":[{"c":2}]}"#, false));
    let (value, is_repeated) = any_without(br#"[{"a":1,"a":2}]"#, &[], &["a"]).unwrap();
    assert_eq!((value.0.to_string().as_str(), is_repeated), (r#"[{"a":2}]"#, true));
    let unique = Rules { unique: Some(&["a"]), ..Rules::default() };
    assert!(read_by(unique, "x", br#"{"b":1,"b":2}"#).is_ok());
    assert_eq!(
        read_by(unique, "x", br#"{"b":{"a":1,"a":2}}"#).err(),
        Some(JoseError::DuplicateMember { what: "x", member: "a".to_owned() })
    );
}

#[test]
fn the_name_of_a_damaged_object_is_found_where_it_can_be() {
    let many = format!("{{{}\"b\":1}}", r#""a":"1","#.repeat(9));
    for (text, found) in [
        (r#"{"b":1,"a":"1"}"#, &["1"][..]),
        (r#"{"a":"1","\u0061":"2"}"#, &["1", "2"]),
        (r#"{"a":1,"a":"2"}"#, &["2"]),
        (r#"{"a":"1","b":{"a":"2""#, &["1"]),
        (r#"[{"a":"1"}]"#, &[]),
        ("7", &[]),
        (&many, &["1", "1", "1", "1"]),
    ] {
        assert_eq!(claimed_strings(text, "a"), found, "{text}");
    }
    for (text, claims) in [
        (r#"{"b":1,"\u0061":"1"}"#, true),
        (r#"{"\ud800":1,"a":1,"#, true),
        (r#"{"b":"a"}"#, false),
        (r#"{"b":1 "a":1}"#, false),
        (r#"[{"a":1}]"#, false),
    ] {
        assert_eq!(claims_member(text, &["a", "c"]), claims, "{text}");
    }
}

const NUMBER_IN_BAND: &str = r#"{"$serde_json::private::Number":"1800000000"}"#;
const UNIQUE_A: Rules<'_> = Rules { unparsed: &[], top_level_only: false, unique: Some(&["a"]) };
const RAW_IN_BAND: &str = r#"{"$serde_json::private::RawValue":"{\"admin\":true}"}"#;

/// Fails if one is read as a number or its text becomes structure.
#[test]
fn names_that_serde_json_reserves_are_refused_at_every_depth() {
    for (in_band, member) in [
        (NUMBER_IN_BAND, "$serde_json::private::Number"),
        (RAW_IN_BAND, "$serde_json::private::RawValue"),
        (r#"{"\u0024serde_json::private::Number":"1"}"#, "$serde_json::private::Number"),
    ] {
        for text in [
            in_band.to_owned(),
            format!(r#"{{"a":{in_band}}}"#),
            format!(r#"{{"b":[1,{{"c":{in_band}}}],"a":1}}"#),
        ] {
            let refused = Err(JoseError::ReservedMember { what: "x", member: member.to_owned() });
            let bytes = text.as_bytes();
            assert_eq!(object("x", bytes), refused, "{text}");
            assert_eq!(read_by(UNIQUE_A, "x", bytes).err(), refused.err(), "{text}");
            assert!(any_without(bytes, &["b"], &[]).is_none() || text.contains("\"b\""), "{text}");
        }
    }
    // The next reader checks the contents of a member that stays unparsed.
    let rules = Rules { unparsed: &["a"], ..Rules::default() };
    let read = |text: &str| match read_by(rules, "x", text.as_bytes())?.take("a") {
        Some(Json::Unparsed(text)) => Ok(Some(text.to_owned())),
        _ => Ok(None),
    };
    assert_eq!(
        read(&format!(r#"{{"b":1,"a":[{RAW_IN_BAND}],"c":2}}"#)),
        Ok(Some(format!("[{RAW_IN_BAND}]")))
    );
    for text in [
        format!(r#"{{"b":{RAW_IN_BAND},"a":1}}"#),
        format!(r#"{{"a":1,"b":[{RAW_IN_BAND}]}}"#),
        format!(r#"{{"b":{RAW_IN_BAND}}}"#),
        RAW_IN_BAND.to_owned(),
    ] {
        let member = "$serde_json::private::RawValue".to_owned();
        assert_eq!(read(&text), Err(JoseError::ReservedMember { what: "x", member }), "{text}");
    }
}

#[test]
fn a_number_is_a_number_with_arbitrary_precision_too() {
    // Whichever way `serde_json` passes it here.
    let members = object("x", br#"{"exp":1800000000,"more":[1.5e3,-1]}"#).unwrap();
    assert_eq!(members["exp"].as_i64(), Some(1_800_000_000));
    assert_eq!((members["more"][0].as_f64(), members["more"][1].as_i64()), (Some(1500.0), Some(-1)));
}

#[test]
fn only_one_object_and_nothing_after_it() {
    assert_eq!(object("x", b"[]"), Err(JoseError::NotAnObject { what: "x" }));
    assert!(matches!(object("x", b"{} {}"), Err(JoseError::Json { .. })));
    assert!(matches!(object("x", b"\xef\xbb\xbf{}"), Err(JoseError::Json { .. })));
    assert!(matches!(object("x", b"{\"a\":\"\xff\"}"), Err(JoseError::Json { .. })));
    assert!(matches!(object("x", "[".repeat(100_000).as_bytes()), Err(JoseError::Json { .. })));
}

const NUMBER: &str = "$serde_json::private::Number";

/// The reserved name of a document in which nothing else is wrong, or which is damaged.
fn reserved(document: &str) -> Option<String> {
    match Reader::new("x", document.as_bytes(), Rules::default()).document() {
        Err(JoseError::ReservedMember { what: "x", member }) => Some(member),
        Ok(_) | Err(JoseError::Json { .. }) => None,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_reserved_name_is_found_at_every_depth_and_in_every_spelling() {
    let escaped: String = NUMBER.chars().map(|letter| format!("\\u{:04x}", letter as u32)).collect();
    for name in [NUMBER.to_owned(), NUMBER.replace('$', "\\u0024"), NUMBER.replace("::", "\\u003a:"), escaped]
    {
        for document in [
            format!(r#"{{"{name}":"1"}}"#),
            format!("{{\"{name}\" \t\r\n:\"1\"}}"),
            format!(r#"{{"a":1,"{name}":"1"}}"#),
            format!(r#"{{"a":[[{{"b":{{"{name}":"1"}}}}]]}}"#),
            format!(r#"{{"\\":"\"","a\"":"\\","{name}":"1"}}"#),
            format!(r#"{{"a":"\\\"{{","b":{{"{name}":1}}}}"#),
        ] {
            assert_eq!(reserved(&document).as_deref(), Some(NUMBER), "{document}");
        }
    }
    for other in ["RawValue", "", "Number2", "\\n"] {
        assert!(reserved(&format!(r#"{{"$serde_json::private::{other}":1}}"#)).is_some(), "{other}");
    }
}

#[test]
fn a_value_and_another_name_are_none() {
    for document in [
        format!(r#"{{"a":"{NUMBER}"}}"#),
        format!(r#"{{"a":["{NUMBER}", "\u0024serde_json::private::RawValue" ],"b":1}}"#),
        format!(r#"{{"a":"\"{NUMBER}\":1"}}"#),
        format!(r#"{{"a {NUMBER}":1,"\u0041":1}}"#),
        r#"{"$serde_json::Number":1,"$":1,"\u0024a":1}"#.to_owned(),
        String::new(),
        "\"".to_owned(),
        "\"\\".to_owned(),
        "\"\\u".to_owned(),
        "{\"\\ud800\":1}".to_owned(),
    ] {
        assert_eq!(reserved(&document), None, "{document}");
    }
}

proptest::proptest! {
    /// Regardless of the text around it and of its spelling.
    #[test]
    fn no_spelling_and_no_place_hides_one(
        before in proptest::collection::vec(("[ -~]{0,8}", "\\PC{0,8}"), 0..4),
        depth in 0_usize..40,
        escaped in proptest::collection::vec(proptest::bool::ANY, NUMBER.len()),
    ) {
        let spelt: String = NUMBER
            .chars()
            .zip(escaped)
            .map(|(letter, escaped)| if escaped { format!("\\u{:04X}", letter as u32) } else { letter.to_string() })
            .collect();
        let mut document = format!(r#"{{"{spelt}":"1"}}"#);
        for (place, (name, text)) in before.iter().enumerate() {
            let name = serde_json::json!(format!("{name}{place}")).to_string();
            document = format!("{{{name}:{},\"z\":[{document}]}}", serde_json::json!(text));
        }
        for _ in 0..depth {
            document = format!("[{document}]");
        }
        let found = reserved(&document);
        proptest::prop_assert_eq!(found.as_deref(), Some(NUMBER));
    }
}

/// Compares what this crate and `serde_json` read from a document.
fn is_read_as_serde_json_does(document: &[u8]) {
    let plain = serde_json::from_slice::<Value>(document);
    match (object("x", document), plain) {
        (Ok(members), Ok(plain)) => assert_eq!(Value::Object(members), plain),
        (Err(JoseError::Json { line, column, .. }), Err(error)) => {
            assert_eq!(line, error.line(), "{}", document.escape_ascii());
            // After an escape, `serde_json` knows the position of bytes that are not UTF-8 only
            // roughly.
            if str::from_utf8(document).is_ok() {
                assert_eq!(column, error.column(), "{}", document.escape_ascii());
            }
        }
        (Err(JoseError::NotAnObject { .. }), Ok(plain)) => assert!(!plain.is_object()),
        (Err(JoseError::DuplicateMember { .. } | JoseError::ReservedMember { .. }), _) => {}
        (ours, plain) => panic!("{}: {ours:?}, {plain:?}", document.escape_ascii()),
    }
}

#[test]
fn damage_is_found_where_it_stands() {
    for text in [
        r#"{"a":"\x"}"#,
        r#"{"a":"secret\n\ud83d"}"#,
        r#"{"a":"\ud83dx"}"#,
        r#"{"a":"\ud83d\n"}"#,
        r#"{"a":"\ud83d\u0041"}"#,
        r#"{"a":"\ude00"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\u12"#,
        r#"{"a":"\"#,
        r#"{"a":"b\n"#,
        r#"{"a":"b\n", }"#,
        r#"{"\x":1}"#,
        r#"{"b\n":1,"b\u000a":2}"#,
        r#"{"a\n":"\\" "b":1}"#,
        "{\"a\":\"b\\n\u{1}\"}",
        "{\n\"a\":\"b\\n\"\n,\n}",
        r#"\"#,
        r#"{\"a":1}"#,
    ] {
        is_read_as_serde_json_does(text.as_bytes());
    }
    for depth in [1, 126, 127, 128] {
        let nested = format!("{{\"a\":\n{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        is_read_as_serde_json_does(nested.as_bytes());
    }
    is_read_as_serde_json_does(b"{\"a\":\"\\n\xff\"}");
    is_read_as_serde_json_does(b"{\"a\":\"\\n\xff\\x\"}");
    is_read_as_serde_json_does(b"{\"\\n\xff\":1}");
}

proptest! {
    /// Pieces of JSON in any order: most of the documents are damaged.
    #[test]
    fn any_document_is_read_as_serde_json_does(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"", "\\", "\\n", "\\/", "\\\"", "\\u0041", "\\ud83d",
                "\\ude00", "\\u00", "\\x", "a", "b", "\"a\"", "\"b\":", "\"\\u0061\":", "é", "\u{1}", "\n",
                " ", "1", "0", "-", ".", "e5", "e999", "tru", "true", "null", "{\"a\":\"x\\n\"", ",\"b\":[\"\\\\\"]", "}",
            ]),
            0..12,
        ),
    ) {
        let document = pieces.concat();
        is_read_as_serde_json_does(document.as_bytes());
        is_read_as_serde_json_does(format!("{{\"a\":\"{document}\"}}").as_bytes());
    }

    /// Whole documents, with every string spelled in another way.
    #[test]
    fn every_spelling_has_the_same_value(
        texts in proptest::collection::vec("\\PC{0,12}", 1..6),
        spelling in proptest::collection::vec(0_u8..3, 1..32),
    ) {
        let mut spelling = spelling.into_iter().cycle();
        let mut spelt = |text: &str| {
            let mut string = String::from("\"");
            for character in text.chars() {
                match spelling.next() {
                    Some(0) => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                        string.push_str(&format!("\\u{unit:04x}"));
                    }),
                    _ if matches!(character, '"' | '\\') => string.extend(['\\', character]),
                    _ => string.push(character),
                }
            }
            string + "\""
        };
        let members: Vec<String> =
            texts.iter().enumerate().map(|(at, text)| format!("{}:[{}]", spelt(&format!("{text}{at}")), spelt(text))).collect();
        is_read_as_serde_json_does(format!("{{{}}}", members.join(",")).as_bytes());
    }

    #[test]
    fn any_bytes_are_read_as_serde_json_does(bytes in proptest::collection::vec(
        prop::sample::select(b"{}[]:,\"\\nux0dD8cC/a \xff\xc3\xa9\x01".to_vec()), 0..24))
    {
        is_read_as_serde_json_does(&bytes);
        let document = [&b"{\"a\":\""[..], &bytes, b"\"}"].concat();
        is_read_as_serde_json_does(&document);
    }
}
