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
fn the_values_of_some_members_come_with_every_check_of_the_whole() {
    fn read(text: &[u8]) -> Result<([Option<Member<'_>>; 3], WipedMembers), JoseError> {
        let mut values = [const { None }; 3];
        let others = read_members("x", text, &["a", "b", "c"], &mut values)?;
        Ok((values, others))
    }
    let (values, others) = read(br#"{"x":{"y":[1]},"b":"2","a":1,"\u0063":null}"#).unwrap();
    let [Some(Member::Other(a)), Some(Member::Text(Text::Borrowed("2"))), Some(Member::Other(c))] = values
    else {
        panic!("other values");
    };
    assert_eq!((&a.0, &c.0), (&Value::from(1), &Value::Null));
    assert_eq!(others.0, object("x", br#"{"x":{"y":[1]}}"#).unwrap());
    assert!(matches!(read(b"{}").unwrap().0, [None, None, None]));
    let (escaped, _) = read(br#"{"a":"\u0061\n"}"#).unwrap();
    assert!(matches!(escaped, [Some(Member::Text(Text::Owned(text))), None, None] if *text == "a\n"));
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"x":1,"x":1}"#,
        r#"{"x":1,"\u0078":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"a":{"y":1,"y":1}}"#,
        r#"{"x":[{"y":1,"y":1}]}"#,
        r#"{"$serde_json::private::Number":"1"}"#,
        r#"{"$serde_json::private::Number":"1","a":1}"#,
        r#"{"x":{"$serde_json::private::Number":"1","a":1}}"#,
        "[]",
        "7",
        "{} {}",
        "{",
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        "",
        "[1,",
        "\u{feff}{}",
    ] {
        let refused = object("x", text.as_bytes()).unwrap_err();
        assert_eq!(read(text.as_bytes()).err(), Some(refused), "{text}");
    }
    assert!(matches!(read(b"{\"\xff\":1}"), Err(JoseError::Json { .. })));
}

#[test]
fn secret_members_are_seen_and_not_copied() {
    let text = br#"{"d":"secret","a":{"d":["secret"]},"b":1,"c":{"d":null,"a":[{"d":[ ]}]}}"#;
    let members = object_without("x", text, &["d"]).unwrap();
    let expected = r#"{"a":{"d":null},"b":1,"c":{"a":[{"d":null}],"d":null},"d":null}"#;
    assert_eq!(Value::Object(members).to_string(), expected);
    let members = object_masked("x", text, &["d"]).unwrap();
    let expected = r#"{"a":{"d":true},"b":1,"c":{"a":[{"d":[]}],"d":null},"d":true}"#;
    assert_eq!(Value::Object(members).to_string(), expected);
    assert_eq!(
        object_without("x", br#"{"d":"secret","d":"secret"}"#, &["d"]),
        Err(JoseError::DuplicateMember { what: "x", member: "d".to_owned() })
    );
}

#[test]
fn one_member_is_handed_over_as_it_is_and_the_rest_is_checked() {
    let read = |text: &str| raw_member("x", text.as_bytes(), "a").map(|raw| raw.map(str::to_owned));
    assert_eq!(read(r#"{"b":{"c":1},"a":[{"c":1,"c":2}] }"#), Ok(Some(r#"[{"c":1,"c":2}]"#.to_owned())));
    assert_eq!(read(r#"{"b\n":"\"","\u0061":["\n",{"c":1,"c":2}] }"#), {
        Ok(Some(r#"["\n",{"c":1,"c":2}]"#.to_owned()))
    });
    assert_eq!(read(r#"{"b":1}"#), Ok(None));
    for (text, member) in
        [(r#"{"a":1,"a":1}"#, "a"), (r#"{"b":1,"a":1,"b":2}"#, "b"), (r#"{"b":{"c":1,"c":1}}"#, "c")]
    {
        let member = member.to_owned();
        assert_eq!(read(text), Err(JoseError::DuplicateMember { what: "x", member }), "{text}");
    }
    for text in ["[]", "7", "{} {}", "{", r#"{"a":}"#, r#"{"a":[1,}"#, "", "\u{feff}{}", r#"{"b":"\ud800"}"#]
    {
        assert_eq!(read(text), Err(object("x", text.as_bytes()).unwrap_err()), "{text}");
    }
    assert!(matches!(raw_member("x", b"{\"b\":\"\xff\"}", "a"), Err(JoseError::Json { .. })));
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
}

const NUMBER_IN_BAND: &str = r#"{"$serde_json::private::Number":"1800000000"}"#;
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
            assert_eq!(object_without("x", bytes, &["a"]), refused, "{text}");
            assert_eq!(object_masked("x", bytes, &["b"]), refused, "{text}");
            assert_eq!(object_with_unique("x", bytes, &["a"]), refused, "{text}");
            assert!(any_without(bytes, &["a"], &[]).is_none(), "{text}");
            let mut values = [const { None }; 1];
            assert_eq!(read_members("x", bytes, &["a"], &mut values).err(), refused.err(), "{text}");
        }
    }
    // The next reader checks the contents of a member that is returned unparsed.
    let read = |text: &str| raw_member("x", text.as_bytes(), "a").map(|raw| raw.map(str::to_owned));
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

/// As serde_json passes it with `arbitrary_precision`, which is off here unless another crate
/// enables it.
#[test]
fn a_number_is_a_number_with_arbitrary_precision_too() {
    use serde::de::value::{Error, MapDeserializer};
    let duplicate = RefCell::new(None);
    let judged = Judged { duplicate: &duplicate, secret: &[], only: None, instead: |_| Value::Null };
    let unique = Unique { judged, strings: AsWritten };
    let number = |text: &str| {
        let handed_over = [(NUMBER, text)].into_iter();
        unique.deserialize(MapDeserializer::<_, Error>::new(handed_over)).ok()
    };
    assert_eq!(number("1800000000").and_then(|number| number.as_i64()), Some(1_800_000_000));
    assert_eq!(number("soon"), None);
    // Whichever way it is passed here.
    let members = object("x", br#"{"exp":1800000000,"more":[1.5e3,-1]}"#).unwrap();
    assert_eq!(members["exp"].as_i64(), Some(1_800_000_000));
    assert_eq!((members["more"][0].as_f64(), members["more"][1].as_i64()), (Some(1500.0), Some(-1)));
}

#[test]
fn wiping_reaches_every_string() {
    let mut value = serde_json::json!({"a": "secret", "b": ["secret", {"c": "secret"}], "d": 1});
    wipe(&mut value);
    assert_eq!(value, serde_json::json!({}));
    let mut value = serde_json::json!(["secret", ["secret"]]);
    wipe(&mut value);
    assert_eq!(value, serde_json::json!(["", [""]]));
}

#[test]
fn only_one_object_and_nothing_after_it() {
    assert_eq!(object("x", b"[]"), Err(JoseError::NotAnObject { what: "x" }));
    assert!(matches!(object("x", b"{} {}"), Err(JoseError::Json { .. })));
    assert!(matches!(object("x", b"\xef\xbb\xbf{}"), Err(JoseError::Json { .. })));
    assert!(matches!(object("x", b"{\"a\":\"\xff\"}"), Err(JoseError::Json { .. })));
    assert!(matches!(object("x", "[".repeat(100_000).as_bytes()), Err(JoseError::Json { .. })));
}

#[test]
fn a_value_is_written_into_a_buffer_that_does_not_grow() {
    let value = serde_json::json!({"a": ["b\n", 1.5, null], "c": {"d": true}});
    let text = to_text(&value);
    assert_eq!(*text, value.to_string());
    assert_eq!(text.capacity(), text.len());
}
