//! RSA keys that are well-formed but weak: anyone can compute the private part from the public one.
//!
//! The checks use only the modulus, which is public, so their timing reveals nothing. For a private
//! key, they also examine the lengths of its numbers and the first 16 octets of its primes. Weak
//! keys come from a broken generator, a broken file or a prank. Passing these checks does not make
//! a key good.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, Limb, Odd, Resize};
use pkcs1::RsaPrivateKeyRef;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::numbers::bit_len;
use super::{KeyError, RsaWeakness};

/// All primes below this are tried as factors. NIST SP 800-89 §5.3.3 asks for those below 752.
pub(super) const SMALL_FACTORS: u64 = 4096;

/// The number of steps of Fermat's method: a single step finds primes whose halves are equal.
pub(super) const FERMAT_STEPS: u32 = 100;

/// The last of the 126 primes whose product is part of every prime that the library of
/// CVE-2017-15361 makes for a key of 1984 bits or more. For keys of 3968 bits and more, further
/// primes are part of it.
const LAST_ROCA_PRIME: u64 = 701;

/// The budget for primality tests of moduli. A set of keys has one budget, shared by all tokens
/// that name its keys. The private keys of one file share another.
///
/// One unit is the test of a modulus of 2048 bits, a few milliseconds; 8192 bits take 64 times as
/// long.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    spent: AtomicU64,
}

impl Allowance {
    /// Twice the maximum number of keys in a set, with 2048 bits each.
    pub(super) const MAX: u64 = 512;

    /// Pays for a test before it runs.
    pub(super) fn draw(&self, bits: usize) -> Result<(), KeyError> {
        let cost = (bits as u64).div_ceil(2048).pow(3);
        let after = |spent: u64| spent.checked_add(cost).filter(|spent| *spent <= Self::MAX);
        match self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after) {
            Ok(_) => Ok(()),
            Err(spent) => Err(KeyError::RsaCheckCost { found: spent.saturating_add(cost), limit: Self::MAX }),
        }
    }
}

/// Digests of moduli that have passed, because a set of keys is read again every few minutes.
/// Attackers can fill this cache, so it is bounded and affects only speed.
static SOUND: LazyLock<Mutex<HashSet<[u8; 32]>>> = LazyLock::new(Mutex::default);
const MAX_SOUND: usize = 1024;

fn is_known(digest: &[u8; 32]) -> bool {
    SOUND.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
}

fn remember(digest: [u8; 32]) {
    let mut sound = SOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if sound.len() >= MAX_SOUND {
        sound.clear();
    }
    sound.insert(digest);
}

/// Checks a modulus that the policy has accepted: odd, and 2048 to 8192 bits long.
pub(super) fn check_public(n: &[u8], allowance: &Allowance) -> Result<(), KeyError> {
    let digest = Sha256::digest(n).into();
    if is_known(&digest) {
        return Ok(());
    }
    check_residues(n)?;
    let modulus = BoxedUint::from_be_slice_vartime(n);
    if has_close_factors(&modulus) {
        return Err(weak(RsaWeakness::ClosePrimes));
    }
    allowance.draw(bit_len(n))?;
    check_order_of_two(modulus)?;
    remember(digest);
    Ok(())
}

/// Checks a private key that the backend has accepted: its modulus is the product of its two
/// factors. Checks that take milliseconds are left to the check of its public half.
pub(super) fn check_private(key: &RsaPrivateKeyRef<'_>) -> Result<(), KeyError> {
    let n = key.modulus.as_bytes();
    check_residues(n)?;
    if are_close(key) {
        return Err(weak(RsaWeakness::ClosePrimes));
    }
    let (bits, least) = (bit_len(key.private_exponent.as_bytes()), bit_len(n) / 2 + 1);
    if bits < least {
        return Err(weak(RsaWeakness::ShortPrivateExponent { bits, least }));
    }
    Ok(())
}

/// The weakness of a private key that the backend has rejected, if it is one that this module
/// knows.
pub(super) fn fault(key: &RsaPrivateKeyRef<'_>) -> Option<KeyError> {
    let (n, p, q) = (key.modulus.as_bytes(), key.prime1.as_bytes(), key.prime2.as_bytes());
    if !are_close(key) {
        return None;
    }
    // If the modulus is not the product of these primes, the file is damaged and the key is not
    // weak.
    let [p, q] = [p, q].map(|prime| Zeroizing::new(BoxedUint::from_be_slice_vartime(prime)));
    p.concatenating_mul(&*q)
        .cmp_vartime(BoxedUint::from_be_slice_vartime(n))
        .is_eq()
        .then(|| weak(RsaWeakness::ClosePrimes))
}

const fn weak(weakness: RsaWeakness) -> KeyError {
    KeyError::WeakRsa { weakness }
}

/// Primes whose product fits a word, so that one remainder of a modulus serves all of them.
struct Primes {
    product: u64,
    primes: Vec<u64>,
    /// 2^(64·i) modulo the product: what the word at place i counts for.
    weights: Vec<u64>,
}

impl Primes {
    /// The words of a modulus that are reduced together.
    const BLOCK: usize = 32;

    fn new(product: u64, primes: Vec<u64>) -> Self {
        let next = |weight: &u64| Some(remainder(0, u128::from(*weight), product));
        let weights = std::iter::successors(Some(1 % product), next).take(Self::BLOCK + 1).collect();
        Self { product, primes, weights }
    }

    /// The remainder of a number, least significant word first. The multiplications do not depend
    /// on each other, which takes a tenth of the time of a division of the whole number.
    fn remainder(&self, number: &[u64]) -> u64 {
        number.chunks(Self::BLOCK).rev().fold(0, |above, block| {
            let (mut low, mut high) = (0, 0);
            for (word, weight) in block.iter().chain([&above]).zip(&self.weights) {
                let product = u128::from(*word) * u128::from(*weight);
                low += product & u128::from(u64::MAX);
                high += product >> 64;
            }
            remainder(low, high, self.product)
        })
    }
}

/// The remainder of low + 2⁶⁴·high, where low is a sum of few words.
fn remainder(low: u128, high: u128, modulus: u64) -> u64 {
    let modulus = u128::from(modulus);
    let rest = (low + ((high % modulus) << 64) % modulus) % modulus;
    u64::try_from(rest).unwrap_or_default()
}

/// All odd primes below [`SMALL_FACTORS`].
static SMALL_PRIMES: LazyLock<Vec<Primes>> = LazyLock::new(|| {
    let mut all: Vec<u64> = vec![3];
    for candidate in (5..SMALL_FACTORS).step_by(2) {
        if all.iter().take_while(|prime| **prime * **prime <= candidate).all(|prime| candidate % prime != 0) {
            all.push(candidate);
        }
    }
    let mut groups: Vec<(u64, Vec<u64>)> = Vec::new();
    for prime in all {
        match groups
            .last_mut()
            .and_then(|(product, primes)| Some((product.checked_mul(prime)?, product, primes)))
        {
            Some((longer, product, primes)) => {
                *product = longer;
                primes.push(prime);
            }
            None => groups.push((prime, vec![prime])),
        }
    }
    groups.into_iter().map(|(product, primes)| Primes::new(product, primes)).collect()
});

/// For each prime up to [`LAST_ROCA_PRIME`], the powers of 65537 modulo that prime, indexed by
/// value.
static POWERS: LazyLock<Vec<(u64, Vec<bool>)>> = LazyLock::new(|| {
    let primes =
        SMALL_PRIMES.iter().flat_map(|group| &group.primes).filter(|prime| **prime <= LAST_ROCA_PRIME);
    let powers = |prime: &u64| {
        let mut is_power = Vec::new();
        is_power.resize_with(usize::try_from(*prime).unwrap_or_default(), bool::default);
        let mut power = 1;
        while let Some(seen) = usize::try_from(power).ok().and_then(|power| is_power.get_mut(power))
            && !std::mem::replace(seen, true)
        {
            power = power * 65537 % prime;
        }
        (*prime, is_power)
    };
    primes.map(powers).collect()
});

/// Checks the remainders of a modulus by small primes: whether one of the primes divides it, and
/// whether it is a power of 65537 modulo each, as it is if both of its prime factors are (Nemec et
/// al., "The Return of Coppersmith's Attack", 2017).
fn check_residues(n: &[u8]) -> Result<(), KeyError> {
    let word = |octets: &[u8]| octets.iter().fold(0, |word, octet| word << 8 | u64::from(*octet));
    let modulus: Vec<u64> = n.rchunks(8).map(word).collect();
    let mut powers = POWERS.iter();
    let mut is_roca = true;
    for group in SMALL_PRIMES.iter() {
        let remainder = group.remainder(&modulus);
        for prime in &group.primes {
            let remainder = remainder % prime;
            if remainder == 0 {
                let factor = u32::try_from(*prime).unwrap_or_default();
                return Err(weak(RsaWeakness::SmallFactor { factor }));
            }
            if is_roca && let Some((_, is_power)) = powers.next() {
                let at = usize::try_from(remainder).unwrap_or_default();
                is_roca = is_power.get(at).copied().unwrap_or_default();
            }
        }
    }
    if is_roca { Err(weak(RsaWeakness::Roca)) } else { Ok(()) }
}

/// Fermat's method: n = a² − b², where the factors are a + b and a − b. If they are close, a is
/// hardly above √n.
fn has_close_factors(modulus: &BoxedUint) -> bool {
    // Squares modulo 64.
    const SQUARES: u64 = 0x0202_0212_0203_0213;
    // Room for a², which may be longer than the modulus.
    let modulus = modulus.resize_unchecked(modulus.bits_precision() + Limb::BITS);
    let one = BoxedUint::one_with_precision(modulus.bits_precision());
    let mut a = modulus.floor_sqrt_vartime();
    if a.wrapping_square().cmp_vartime(&modulus).is_lt() {
        a.wrapping_add_assign(&one);
    }
    let mut square = a.wrapping_square().wrapping_sub(&modulus);
    for _ in 0..FERMAT_STEPS {
        let low = square.as_words().first().map_or(0, |low| low % 64);
        if (SQUARES >> low) & 1 == 1 && square.checked_sqrt_vartime().is_some() {
            return true;
        }
        // (a + 1)² − a² = 2·a + 1
        square.wrapping_add_assign(&a);
        a.wrapping_add_assign(&one);
        square.wrapping_add_assign(&a);
    }
    false
}

/// Fermat's little theorem with base 2: 2ⁿ⁻¹ is 1 modulo a prime. If it is 1 modulo one factor of n
/// and not modulo the others, the greatest common divisor reveals that factor. The same holds for a
/// power of a prime, because p−1 divides n−1.
fn check_order_of_two(modulus: BoxedUint) -> Result<(), KeyError> {
    let Some(modulus) = Odd::new(modulus).into_option() else {
        return Err(KeyError::Inconsistent { key_type: "RSA" });
    };
    let one = BoxedUint::one_with_precision(modulus.bits_precision());
    let less_one = modulus.wrapping_sub(&one);
    let parameters = BoxedMontyParams::new_vartime(modulus.clone());
    let power = power(2, &less_one, &parameters).retrieve().wrapping_sub(&one);
    if power.is_zero().into() {
        let is_prime =
            [2, 3, 5].into_iter().all(|base| is_strong_probable_prime(base, &less_one, &parameters));
        let weakness = if is_prime { RsaWeakness::PrimeModulus } else { RsaWeakness::DependentPrimes };
        return Err(weak(weakness));
    }
    if modulus.gcd_vartime(&power).as_ref().cmp_vartime(&one).is_eq() {
        Ok(())
    } else {
        Err(weak(RsaWeakness::DependentPrimes))
    }
}

fn power(base: u32, exponent: &BoxedUint, parameters: &BoxedMontyParams) -> BoxedMontyForm {
    let base = BoxedUint::from(base).resize_unchecked(parameters.bits_precision());
    BoxedMontyForm::new(base, parameters).pow_bounded_exp(exponent, exponent.bit_width_vartime())
}

/// FIPS 186-5 B.3.1, with a fixed base: it tells a prime from moduli that look prime to base 2.
fn is_strong_probable_prime(base: u32, less_one: &BoxedUint, parameters: &BoxedMontyParams) -> bool {
    let twos = less_one.trailing_zeros_vartime();
    let one = BoxedMontyForm::one(parameters);
    let mut root = power(base, &less_one.shr(twos), parameters);
    if root == one {
        return true;
    }
    (0..twos).any(|_| {
        let is_minus_one = root.retrieve().cmp_vartime(less_one).is_eq();
        root = root.square();
        is_minus_one
    })
}

/// Whether the primes are closer than FIPS 186-5 A.1.3 allows, 2^(nlen/2 − 100), by their first 128
/// bits or more.
fn are_close(key: &RsaPrivateKeyRef<'_>) -> bool {
    let (p, q) = (key.prime1.as_bytes(), key.prime2.as_bytes());
    let half = bit_len(key.modulus.as_bytes()).div_ceil(2);
    // RFC 8017 numbers have no leading zeros. A prime with one octet more than the other is not
    // close to it, unless both are next to the power of two between them.
    let len = p.len().max(q.len());
    let top = |prime: &[u8]| {
        let zeros = len - prime.len();
        let octets = std::iter::repeat_n(&0, zeros).chain(prime).take(16);
        octets.fold(0_u128, |top, octet| top << 8 | u128::from(*octet))
    };
    // In the first 128 of 8·len bits, the limit of 2^(half − 100) is 2^(half − 100 − 8·len + 128).
    let Some(limit) =
        (half + 28).checked_sub(8 * len).and_then(|bits| 1_u128.checked_shl(u32::try_from(bits).ok()?))
    else {
        return false;
    };
    top(p).abs_diff(top(q)) <= limit
}

#[cfg(test)]
mod tests;
