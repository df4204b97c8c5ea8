//! Names and paths: what they may be, and what is said when they may not.

use nokv_types::{Code, NAME_BYTES_MAX, Name, NsPath, PATH_BYTES_MAX, XattrName, show_bytes};

#[test]
fn names_are_any_bytes_but_a_few() {
    let long = vec![b'a'; NAME_BYTES_MAX];
    for good in [&b"a"[..], b"...", b".a", b"\xff\xfe", b" ", b"\n", &long] {
        assert_eq!(Name::new(good).unwrap().as_bytes(), good);
    }
    for bad in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0", b"\0"] {
        assert_eq!(Name::new(bad).unwrap_err().code, Code::NameInvalid, "{bad:?}");
    }
    let refused = Name::new(&[b'a'; NAME_BYTES_MAX + 1]).unwrap_err();
    assert_eq!((refused.code, refused.code.errno()), (Code::NameTooLong, 36));
}

#[test]
fn attribute_names_may_have_slashes_but_no_nul() {
    assert!(XattrName::new(b"user.a/b").is_ok());
    assert_eq!(XattrName::new(b"").unwrap_err().code, Code::NameInvalid);
    assert_eq!(XattrName::new(b"a\0").unwrap_err().code, Code::NameInvalid);
    assert_eq!(XattrName::new(&[b'a'; 256]).unwrap_err().code, Code::NameTooLong);
}

#[test]
fn paths_are_read_as_people_write_them() {
    for text in ["a/b", "/a/b", "//a//b/", "./a/./b"] {
        assert_eq!(
            NsPath::parse(text.as_bytes()).unwrap().to_string(),
            "/a/b",
            "{text}"
        );
    }
    for text in ["", "/", ".", "//./"] {
        let path = NsPath::parse(text.as_bytes()).unwrap();
        assert!(path.is_root() && path.split_last().is_none());
        assert_eq!(path.to_bytes(), b"/");
    }
    let path = NsPath::parse(b"a/b").unwrap();
    let (parent, last) = path.split_last().unwrap();
    assert_eq!((parent.to_string(), last.as_bytes()), ("/a".into(), &b"b"[..]));
    assert_eq!(parent.join(last.clone()), path);
}

#[test]
fn paths_that_climb_or_are_too_long_are_refused() {
    assert_eq!(NsPath::parse(b"a/../b").unwrap_err().code, Code::NameInvalid);
    assert_eq!(NsPath::parse(b"a\0").unwrap_err().code, Code::NameInvalid);
    let fits = vec![b'/'; PATH_BYTES_MAX];
    assert!(NsPath::parse(&fits).is_ok());
    assert_eq!(
        NsPath::parse(&[&fits[..], b"/"].concat()).unwrap_err().code,
        Code::PathTooLong
    );
    let part = [b"a/", &[b'b'; NAME_BYTES_MAX + 1][..]].concat();
    assert_eq!(NsPath::parse(&part).unwrap_err().code, Code::NameTooLong);
}

#[test]
fn bytes_are_shown_without_harm() {
    assert_eq!(show_bytes("h\u{e9}llo".as_bytes()), "h\u{e9}llo");
    assert_eq!(show_bytes(b"a\xffb"), "a\\xffb");
    assert_eq!(show_bytes(b"a\x1b[2J\n"), "a\\u{1b}[2J\\n");
    let long = show_bytes(&[b'a'; 1000]);
    assert!(long.len() < 310 && long.ends_with(".."));
}
