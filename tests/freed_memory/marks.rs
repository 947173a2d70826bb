//! What to look for: every part of a secret, in each form in which it may be in memory.

use std::collections::{HashMap, HashSet};

/// The length of a piece.
pub(crate) const PIECE: usize = 8;
/// Blocks are inspected in these steps.
const STEP: usize = 4;
/// The shortest part that counts, of a secret that is not shorter itself. The compiler may spill a
/// register of 16 bytes to the stack, and from there the bytes get into the padding of values, and
/// so into blocks. No library can prevent that.
pub(crate) const SHORTEST: usize = 17;

#[derive(Default)]
pub(crate) struct Marks {
    names: Vec<String>,
    secrets: Vec<Vec<u8>>,
    pieces: HashMap<u64, usize>,
    public: HashSet<u64>,
    /// A bit for each piece, by its hash, to skip most look-ups.
    filter: Vec<u64>,
}

impl Marks {
    /// A secret as it is.
    pub(crate) fn text(mut self, name: impl Into<String>, secret: impl AsRef<[u8]>) -> Self {
        let name = self.name(name.into(), secret.as_ref());
        self.add(name, secret.as_ref());
        self
    }

    /// A secret as it is, reversed, as the words of a number are in memory, and in base64 of either
    /// alphabet with anything before it.
    pub(crate) fn bytes(mut self, name: impl Into<String>, secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        let name = self.name(name.into(), secret);
        self.add(name, secret);
        self.add(name, &secret.iter().rev().copied().collect::<Vec<u8>>());
        for offset in 0..3 {
            let url = base64_inside(secret, offset);
            self.add(name, url.as_bytes());
            self.add(name, url.replace('-', "+").replace('_', "/").as_bytes());
        }
        self
    }

    /// Text that is no secret, even where it is a part of one.
    pub(crate) fn public(mut self, bytes: &[u8]) -> Self {
        self.public.extend(pieces(bytes));
        self.public.extend(pieces(&bytes.iter().rev().copied().collect::<Vec<u8>>()));
        for offset in 0..3 {
            let url = base64_inside(bytes, offset);
            self.public.extend(pieces(url.as_bytes()));
            self.public.extend(pieces(url.replace('-', "+").replace('_', "/").as_bytes()));
        }
        self
    }

    /// Call this after all marks are added.
    pub(crate) fn ready(mut self) -> Self {
        self.pieces.retain(|piece, _| !self.public.contains(piece));
        self.filter = vec![0; (self.pieces.len() / 2).next_power_of_two().max(64)];
        let places: Vec<(usize, u64)> = self.pieces.keys().map(|piece| self.place(*piece)).collect();
        for (word, bit) in places {
            self.filter[word] |= bit;
        }
        self
    }

    fn name(&mut self, name: String, secret: &[u8]) -> usize {
        assert!(secret.len() >= PIECE + STEP, "{name} is too short to be found");
        self.names.push(name);
        self.secrets.push(secret.to_vec());
        self.names.len() - 1
    }

    fn add(&mut self, name: usize, secret: &[u8]) {
        for piece in pieces(secret) {
            self.pieces.entry(piece).or_insert(name);
        }
    }

    /// The place of a piece in the filter: a word, and a bit in it.
    fn place(&self, piece: u64) -> (usize, u64) {
        let hash = piece.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        ((hash >> 6) as usize & (self.filter.len() - 1), 1 << (hash & 63))
    }

    /// The first secret with a part in a block, and how much of it. Allocates nothing.
    pub(crate) fn find(&self, block: &[u8]) -> Option<(&str, usize)> {
        let piece_at = |at: usize| {
            let piece = u64::from_ne_bytes(*block.get(at..)?.first_chunk::<PIECE>()?);
            let (word, bit) = self.place(piece);
            if self.filter[word] & bit == 0 { None } else { self.pieces.get(&piece) }
        };
        let mut at = 0;
        while at + PIECE <= block.len() {
            if let Some(name) = piece_at(at) {
                let before = (0..at).rev().take_while(|at| piece_at(*at).is_some()).count();
                let behind = (at + 1..).take_while(|at| piece_at(*at).is_some()).count();
                let len = before + PIECE + behind;
                if len >= self.secrets[*name].len().min(SHORTEST) {
                    return Some((&self.names[*name], len));
                }
                at += behind;
            }
            at += STEP;
        }
        None
    }

    /// The secrets themselves, for a test of the detector.
    pub(crate) fn secrets(&self) -> &[Vec<u8>] {
        &self.secrets
    }
}

/// The pieces of a secret, without zeros and the like, which every block contains.
fn pieces(secret: &[u8]) -> impl Iterator<Item = u64> {
    let is_telling = |piece: &&[u8]| piece.iter().collect::<HashSet<_>>().len() > PIECE / 2;
    secret.windows(PIECE).filter(is_telling).map(|piece| u64::from_ne_bytes(piece.try_into().unwrap()))
}

/// The base64url of these bytes after this many others, without the characters that also depend on
/// the bytes before and after.
fn base64_inside(bytes: &[u8], offset: usize) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let inside = bytes.get((3 - offset) % 3..).unwrap_or_default();
    Base64UrlUnpadded::encode_string(&inside[..inside.len() / 3 * 3])
}
