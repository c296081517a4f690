//! Bounds what opening keys may cost. A tenant chooses the parameters of a key derivation, so they
//! are looked at before it runs.

use pkcs8::pkcs5::pbes2::{Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, ScryptParams};

use super::Unusable;

/// How many keys of one configuration are read: far more than signers and certificates that anyone
/// has, and few enough for their arithmetic to take less than a second.
const KEYS: u32 = 64;

/// How many iterations of PBKDF2 there may be, or what takes as long: half a second, and a second
/// on old machines. OWASP's 600 000 fit, as do OpenSSL's 2048 hundreds of times.
const WORK: u64 = 1_500_000;

/// What scrypt may take. OpenSSL's own bound is half of it.
const MEMORY: u64 = 64 << 20;

/// What the keys of one configuration may cost together.
#[derive(Debug)]
pub(crate) struct Budget {
    keys: u32,
    work: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { keys: KEYS, work: WORK }
    }
}

impl Budget {
    /// Pays for one more key.
    pub(super) fn pay_key(&mut self) -> Result<(), Unusable> {
        self.keys = self.keys.checked_sub(1).ok_or(Unusable::TooMany)?;
        Ok(())
    }

    /// Pays for the derivation that these parameters ask for.
    pub(super) fn pay_derivation(&mut self, parameters: &Parameters) -> Result<(), Unusable> {
        let work = match &parameters.kdf {
            Kdf::Pbkdf2(pbkdf2) => pbkdf2_work(pbkdf2, parameters.encryption.key_size()),
            Kdf::Scrypt(scrypt) => scrypt_work(scrypt)?,
            _ => return Err(Unusable::UnknownCipher),
        };
        self.work = self.work.checked_sub(work).ok_or(Unusable::TooCostly)?;
        Ok(())
    }
}

/// Each block of the key takes all iterations; the hashes with words of 64 bits take longer for
/// one.
fn pbkdf2_work(pbkdf2: &Pbkdf2Params, key_size: usize) -> u64 {
    let (block, weight) = match pbkdf2.prf {
        Pbkdf2Prf::HmacWithSha1 => (20, 1),
        Pbkdf2Prf::HmacWithSha224 => (28, 1),
        Pbkdf2Prf::HmacWithSha256 => (32, 1),
        Pbkdf2Prf::HmacWithSha384 => (48, 2),
        Pbkdf2Prf::HmacWithSha512 => (64, 2),
        _ => return u64::MAX,
    };
    let blocks = u64::try_from(key_size.div_ceil(block)).unwrap_or(u64::MAX);
    u64::from(pbkdf2.iteration_count).saturating_mul(blocks).saturating_mul(weight)
}

/// Mixing one block takes as long as two iterations of PBKDF2. The cost must be a power of two (RFC
/// 7914 §6): the library relies on it.
fn scrypt_work(scrypt: &ScryptParams) -> Result<u64, Unusable> {
    let (cost, block, lanes) =
        (scrypt.cost_parameter, u64::from(scrypt.block_size), u64::from(scrypt.parallelization));
    if cost < 2 || !cost.is_power_of_two() || block == 0 || lanes == 0 {
        return Err(Unusable::Damaged);
    }
    let memory = cost.saturating_add(lanes).saturating_mul(128 * block);
    if memory > MEMORY {
        return Err(Unusable::TooCostly);
    }
    Ok(cost.saturating_mul(block).saturating_mul(lanes).saturating_mul(2))
}
