//! Compares the computed work with the work of the libraries: the same derivations over hashes that
//! count their blocks.

use std::cell::Cell;

use pkcs12::kdf::{self, Pkcs12KeyType};
use sha1::Sha1;
use sha2::digest::block_api::{
    Block, BlockSizeUser, Buffer, BufferKindUser, Eager, EagerHash, FixedOutputCore, OutputSizeUser, Reset,
    UpdateCore,
};
use sha2::digest::{HashMarker, Output};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::*;

thread_local! {
    /// Blocks compressed on this thread.
    static BLOCKS: Cell<u64> = const { Cell::new(0) };
}

fn count(blocks: usize) {
    BLOCKS.with(|all| all.set(all.get() + blocks as u64));
}

fn counted(work: impl FnOnce()) -> u64 {
    BLOCKS.with(|all| all.set(0));
    work();
    BLOCKS.with(Cell::get)
}

#[derive(Clone)]
struct CountedCore<D: EagerHash>(D::Core);

impl<D: EagerHash> Default for CountedCore<D> {
    fn default() -> Self {
        Self(D::Core::default())
    }
}

impl<D: EagerHash> HashMarker for CountedCore<D> {}

impl<D: EagerHash> BlockSizeUser for CountedCore<D> {
    type BlockSize = <D::Core as BlockSizeUser>::BlockSize;
}

impl<D: EagerHash> BufferKindUser for CountedCore<D> {
    type BufferKind = Eager;
}

impl<D: EagerHash> OutputSizeUser for CountedCore<D> {
    type OutputSize = <D::Core as OutputSizeUser>::OutputSize;
}

impl<D: EagerHash> UpdateCore for CountedCore<D> {
    fn update_blocks(&mut self, blocks: &[Block<Self>]) {
        count(blocks.len());
        self.0.update_blocks(blocks);
    }
}

impl<D: EagerHash> FixedOutputCore for CountedCore<D> {
    fn finalize_fixed_core(&mut self, buffer: &mut Buffer<Self>, out: &mut Output<Self>) {
        let block = Self::block_size();
        count(if buffer.get_pos() + 1 + block / 8 > block { 2 } else { 1 });
        self.0.finalize_fixed_core(buffer, out);
    }
}

impl<D: EagerHash> Reset for CountedCore<D> {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

sha2::digest::buffer_fixed!(
    struct Counted<D: EagerHash>(CountedCore<D>);
    impl: BaseFixedTraits Default Clone HashMarker Reset FixedOutputReset;
);

/// The key derivations over a hash, with all lengths around its block length.
macro_rules! compare {
    ($hash:ident) => {
        let hash = Hash::$hash;
        for (passphrase_len, salt_len, iterations, key_len) in lengths() {
            let (passphrase, salt) = (vec![1; passphrase_len], vec![2; salt_len]);
            let mut key = vec![0; key_len];
            let work = |function| {
                let (salt_len, key_len) = (salt_len as u64, key_len as u64);
                Derivation { function, salt_len, key_len }.work(passphrase_len as u64)
            };
            let done = counted(|| {
                pbkdf2::pbkdf2_hmac::<Counted<$hash>>(&passphrase, &salt, iterations, &mut key);
            });
            let rounds = i32::try_from(iterations).unwrap();
            let of = format!("{hash:?} {passphrase_len} {salt_len} {iterations} {key_len}");
            let iterations = u64::from(iterations);
            assert_eq!(work(Function::Pbkdf2 { prf: hash, iterations }), done * hash.unit(), "PBKDF2 {of}");
            let purpose = Pkcs12KeyType::Mac;
            let done = counted(|| {
                kdf::derive_key::<Counted<$hash>>(&passphrase, &salt, purpose, rounds, key_len);
            });
            assert_eq!(work(Function::Pkcs12 { hash, iterations }), done * hash.unit(), "PKCS#12 {of}");
        }
    };
}

/// The lengths of a passphrase and a salt in bytes, the iterations, and the length of a key.
fn lengths() -> impl Iterator<Item = (usize, usize, u32, usize)> {
    let keys = [(1, 8), (2, 24), (5, 5), (3, 64), (2, 20), (1, 32), (7, 48)];
    let salts = move |passphrase| {
        [1, 8, 32, 51, 52, 100, 128, 700].into_iter().flat_map(move |salt| {
            keys.into_iter().map(move |(iterations, key)| (passphrase, salt, iterations, key))
        })
    };
    [0, 3, 63, 64, 65, 128, 129, 500].into_iter().flat_map(salts)
}

#[test]
fn the_work_that_is_counted_is_the_work_that_is_done() {
    assert_eq!(lengths().count(), 448);
    compare!(Sha1);
    compare!(Sha224);
    compare!(Sha256);
    compare!(Sha384);
    compare!(Sha512);
}

#[test]
fn hashes_have_the_lengths_of_fips_180_4() {
    fn lengths<D: EagerHash>(hash: Hash) {
        assert_eq!(hash.output_len(), <D as sha2::Digest>::output_size() as u64, "{hash:?}");
        assert_eq!(hash.block_len(), D::block_size() as u64, "{hash:?}");
    }
    lengths::<Sha1>(Hash::Sha1);
    lengths::<Sha224>(Hash::Sha224);
    lengths::<Sha256>(Hash::Sha256);
    lengths::<Sha384>(Hash::Sha384);
    lengths::<Sha512>(Hash::Sha512);
}

/// RFC 7914 §6: 2·N times 2·r blocks for each of the p repetitions.
#[test]
fn scrypt_mixes_every_block_twice_for_each_n() {
    let work = |cost, block_size, parallelization| {
        let function = Function::Scrypt { cost, block_size, parallelization };
        Derivation { function, salt_len: 16, key_len: 32 }.work(13)
    };
    let mixing = 4 * (1 << 14) * 8;
    let [one, two] = [work(1 << 14, 8, 1), work(1 << 14, 8, 2)];
    assert!((mixing..mixing + 150).contains(&one), "{one}");
    assert!((2 * mixing..2 * mixing + 300).contains(&two), "{two}");
    assert!(work(1 << 18, 8, 2) < Budget::MAX_WORK && work(1 << 18, 8, 3) > Budget::MAX_WORK);
}

#[test]
fn no_parameter_overflows() {
    let most = u64::MAX;
    for function in [
        Function::Pbkdf2 { prf: Hash::Sha1, iterations: most },
        Function::Pkcs12 { hash: Hash::Sha512, iterations: most },
    ] {
        for (passphrase_len, salt_len, key_len) in [(most, most, most), (1, most, 1), (most, 1, 1)] {
            let work = Derivation { function, salt_len, key_len }.work(passphrase_len);
            assert!(Budget::default().draw(work).is_err());
        }
    }
    let mut budget = Budget::default();
    budget.draw(Budget::MAX_WORK).unwrap();
    assert!(budget.draw(most).is_err() && budget.draw(1).is_err() && budget.draw(0).is_ok());
}

/// A second passphrase, as after a line end, and a second key draw from the rest of the budget.
#[test]
fn all_of_a_load_draws_from_one_budget() {
    use crate::keys::format;
    let key = include_bytes!("../../../../testdata/keys/p256.pbkdf2-sha256-aes256.pem").as_slice();
    let mut budget = Budget::default();
    format::load(key, Some(b"wrong"), &mut budget).unwrap();
    // 2048 iterations of two blocks, and two blocks for the key of the HMAC.
    let once = 2 + 2 * 2048;
    assert_eq!(budget.spent, once);
    format::load(key, Some(b"correct horse"), &mut budget).unwrap();
    assert_eq!(budget.spent, 2 * once);
    format::load(&[key, key].concat(), Some(b"correct horse"), &mut budget).unwrap();
    assert_eq!(budget.spent, 4 * once);
    let text = serde_json::Value::from(String::from_utf8(key.to_vec()).unwrap());
    let document = format!(r#"{{"a":{text},"b":{{"c":{text}}}}}"#);
    format::load(document.as_bytes(), Some(b"correct horse"), &mut budget).unwrap();
    assert_eq!(budget.spent, 6 * once);
    // Without a passphrase, no key is derived.
    format::load(key, None, &mut budget).unwrap();
    assert_eq!(budget.spent, 6 * once);
    budget.spent = Budget::MAX_WORK - once + 1;
    let refused = format::load(key, Some(b"correct horse"), &mut budget).unwrap();
    assert!(matches!(
        refused.entries[0].loaded,
        Err(KeyError::KeyDerivationCost { parameter: "the work in blocks of 64 bytes", .. })
    ));
}
