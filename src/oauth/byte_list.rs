//! Bytes that are written as numbers, in the way runtimes print a buffer: `<Buffer 65 79>`,
//! `[101, 121]`, `65:79`, `0x65, 0x79`.

use std::cmp::Ordering;

use zeroize::Zeroizing;

/// The bytes of a list. They may belong to a secret.
pub(super) struct ByteList {
    bytes: Zeroizing<Vec<u8>>,
    /// Where each number ends.
    ends: Vec<usize>,
}

impl ByteList {
    /// Fewer numbers may be anything, such as an address or a time.
    const LEAST: usize = 8;

    /// Reads the list at the beginning of a text. The caller checks that a number can begin there.
    pub(super) fn at(text: &[u8]) -> Option<Self> {
        let [hexadecimal, decimal] = [16, 10].map(|radix| numbers(text, radix).count());
        // A cut through `65 79 …` leaves a digit, with which the rest may look decimal.
        if let [_, b' ' | b',' | b':' | b'-', rest @ ..] = text
            && numbers(rest.trim_ascii_start(), 16).count() >= decimal
        {
            return None;
        }
        let has_commas = || numbers(text, 10).next().and_then(|(_, end)| text.get(end)) == Some(&b',');
        // Take the longer one, so that no number is read repeatedly.
        let is_decimal = match decimal.cmp(&hexadecimal) {
            Ordering::Equal => has_commas(),
            order => order.is_gt(),
        };
        let (radix, count) = if is_decimal { (10, decimal) } else { (16, hexadecimal) };
        if count < Self::LEAST {
            return None;
        }
        let mut list =
            Self { bytes: Zeroizing::new(Vec::with_capacity(count)), ends: Vec::with_capacity(count) };
        for (byte, end) in numbers(text, radix) {
            list.bytes.push(byte);
            list.ends.push(end);
        }
        Some(list)
    }

    /// Each byte with the end of its number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, usize)> {
        self.bytes.iter().copied().zip(self.ends.iter().copied())
    }
}

/// The numbers at the beginning of a text, each with its end.
fn numbers(text: &[u8], radix: u32) -> impl Iterator<Item = (u8, usize)> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let at = next?;
        let (byte, len) = number(text.get(at..)?, radix)?;
        let end = at + len;
        let between = text.get(end..)?.iter().take(2).take_while(|byte| b" ,:;-".contains(byte)).count();
        next = (between > 0).then_some(end + between);
        Some((byte, end))
    })
}

/// A byte and the length of its number: two hexadecimal digits, or up to three decimal ones.
fn number(text: &[u8], radix: u32) -> Option<(u8, usize)> {
    let prefix = if radix == 16 && text.starts_with(b"0x") { 2 } else { 0 };
    let digits = text.get(prefix..)?;
    let len = digits.iter().take(4).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let fits = if radix == 16 { len == 2 } else { (1..=3).contains(&len) };
    let byte = u8::from_str_radix(str::from_utf8(digits.get(..len)?).ok()?, radix).ok()?;
    fits.then_some((byte, prefix + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, usize)> {
        let list = ByteList::at(text.as_bytes())?;
        Some((String::from_utf8_lossy(&list.bytes).into_owned(), *list.ends.last()?))
    }

    #[test]
    fn a_list_is_read_as_runtimes_print_it() {
        for text in [
            "73 65 63 72 65 74 2d 31",
            "73:65:63:72:65:74:2D:31",
            "73-65-63-72-65-74-2d-31",
            "0x73, 0x65, 0x63, 0x72, 0x65, 0x74, 0x2d, 0x31",
            "115,101,99,114,101,116,45,49",
            "115, 101, 99, 114, 101, 116, 45, 49",
            "115 101 99 114 101 116 45 49",
        ] {
            for after in ["", "]", " ]", " ...", ">"] {
                assert_eq!(
                    read(&format!("{text}{after}")),
                    Some(("secret-1".to_owned(), text.len())),
                    "{text}"
                );
            }
        }
        // The digit of a byte that was cut belongs to no list.
        assert_eq!(read("5 52 54 51 53 49 73 49 6d 74 70"), None);
        assert_eq!(read("5, 52, 54, 51, 53, 49, 73, 49, 6d"), None);
        assert_eq!(read("5 152 54 51 53 49 73 49 6d").unwrap().1, "5 152 54 51 53 49 73 49".len());
        // Numbers of two digits each may be either. Programs write commas between decimal numbers.
        assert_eq!(read("65,66,67,68,69,70,71,72").unwrap().0, "ABCDEFGH");
        assert_eq!(read("65 66 67 68 69 70 71 72").unwrap().0, "efghipqr");
    }

    #[test]
    fn a_time_and_an_address_are_no_lists() {
        for text in [
            "2026-11-24 08:00:00",
            "192.168.100.200",
            "08:00:27:4e:66:a1",
            "1, 2, 3, 4, 5",
            "",
            "a",
            "999 1000",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
