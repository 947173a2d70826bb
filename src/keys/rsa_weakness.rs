/// Why an RSA key can be factored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RsaWeakness {
    /// A modulus with a factor that trial division finds (NIST SP 800-89 §5.3.3).
    #[error("its modulus is divisible by {factor}")]
    SmallFactor {
        /// The smallest such factor.
        factor: u32,
    },
    /// Primes that Fermat's method finds. For a private key, also primes that are closer than FIPS
    /// 186-5 A.1.3 allows, and one prime in place of two.
    #[error("its primes are too close to each other (FIPS 186-5 A.1.3)")]
    ClosePrimes,
    /// The modulus is a prime itself.
    #[error("its modulus is a prime number")]
    PrimeModulus,
    /// The modulus is a power of one prime, or of primes p and q where p−1 and q−1 share nearly all
    /// of their factors.
    #[error("its modulus is a power of a prime, or its primes depend on each other")]
    DependentPrimes,
    /// Primes with the structure that Infineon's library RSALib gave them (ROCA, CVE-2017-15361).
    /// One sound key in 2¹⁶⁷ looks the same.
    #[error("its primes have the structure of ROCA (CVE-2017-15361)")]
    Roca,
    /// A private exponent of at most half the length of the modulus (FIPS 186-5 A.1.1), which
    /// Wiener's method and its successors can compute.
    #[error("its private exponent has {bits} bits, at least {least} are required (FIPS 186-5 A.1.1)")]
    ShortPrivateExponent {
        /// Its length in bits.
        bits: usize,
        /// The least length in bits.
        least: usize,
    },
}
