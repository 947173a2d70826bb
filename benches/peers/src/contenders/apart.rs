//! The peers of `apart/`, loaded into this process: `apart/Cargo.toml` says why they are not
//! linked.
#![allow(unsafe_code, reason = "Rust has no stable interface between libraries, so it is that of C")]

use std::ffi::c_void;

use libloading::{Library, Symbol};
use serde_json::json;

use super::{Backend, Contender, Error, Load, Sign, Signed, Verify};
use crate::fixture::{CLIENT_ID, Fixture, ISSUER};

type Prepare = unsafe extern "C" fn(*const u8, usize) -> *mut c_void;
type Run = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut u8, usize) -> isize;

/// What `build.rs` has built. It stays loaded.
pub(crate) fn library() -> Result<&'static Library, Error> {
    // SAFETY: the library is part of this package. Loading it runs only the code of AWS-LC that
    // detects the processor.
    Ok(Box::leak(Box::new(unsafe { Library::new(env!("PEERS_APART")) }?)))
}

pub(crate) struct Apart {
    library: &'static Library,
    /// The name in an order.
    peer: &'static str,
    name: &'static str,
    note: &'static str,
    backend: Backend,
}

impl Apart {
    pub(crate) fn huskarl(library: &'static Library) -> Self {
        Self {
            library,
            peer: "huskarl",
            name: "huskarl (RustCrypto)",
            note: "`JwtBearer`, `JwtValidator` and keys are made once; the assertion comes inside the form parameters, with \
                   a UUID v7 as its `jti`. Loading makes a JWK first. RSA is not blinded.",
            backend: Backend::RustCrypto,
        }
    }

    pub(crate) fn jwtk(library: &'static Library) -> Self {
        Self {
            library,
            peer: "jwtk",
            name: "jwtk (AWS-LC)",
            note: "verifies RSA and nothing else; each verification builds the key from its integers.",
            backend: Backend::AwsLc,
        }
    }

    fn prepare(&self, operation: &str, fixture: &Fixture) -> Result<Option<Operation>, Error> {
        let order = json!({
            "peer": self.peer,
            "operation": operation,
            "algorithm": fixture.algorithm.as_str(),
            "private_pem": fixture.private_pem,
            "public_jwk": fixture.key.public_jwk().to_json(),
            "key_id": fixture.key_id(),
            "client_id": CLIENT_ID,
            "issuer": ISSUER,
        })
        .to_string();
        // SAFETY: these are the types that `apart/src/lib.rs` gives them.
        let (prepare, run): (Symbol<'static, Prepare>, Symbol<'static, Run>) =
            unsafe { (self.library.get(b"peers_prepare")?, self.library.get(b"peers_run")?) };
        // SAFETY: the bytes live until it returns.
        let handle = unsafe { prepare(order.as_ptr(), order.len()) };
        Ok((!handle.is_null()).then(|| Operation { run: *run, handle, output: vec![0; 4096] }))
    }
}

struct Operation {
    run: Run,
    /// Never freed: it is needed until the program ends.
    handle: *mut c_void,
    output: Vec<u8>,
}

impl Operation {
    fn run(&mut self, input: &str) -> Result<&str, Error> {
        let Self { run, handle, output } = self;
        // SAFETY: the handle is from `peers_prepare` and `&mut self` keeps others away; both
        // buffers live until it returns.
        let written = unsafe { run(*handle, input.as_ptr(), input.len(), output.as_mut_ptr(), output.len()) };
        let written = usize::try_from(written).map_err(|_| "refused")?;
        Ok(str::from_utf8(output.get(..written).unwrap_or_default())?)
    }
}

impl Contender for Apart {
    fn name(&self) -> &'static str {
        self.name
    }

    fn note(&self) -> &'static str {
        self.note
    }

    fn backend(&self) -> Backend {
        self.backend
    }

    /// huskarl-crypto-native signs RS* without a source of randomness and PS* with rsa's
    /// `pss::SigningKey`: in rsa 0.10.0-rc.19 neither blinds.
    fn blinds_rsa(&self) -> bool {
        self.peer != "huskarl"
    }

    fn sign(&self, fixture: &'static Fixture) -> Result<Option<Sign>, Error> {
        let operation = self.prepare("sign", fixture)?;
        Ok(operation.map(|mut operation| -> Sign {
            Box::new(move || Ok(Signed::Jwt(operation.run("")?.to_owned())))
        }))
    }

    fn verify(&self, fixture: &'static Fixture) -> Result<Option<Verify>, Error> {
        let operation = self.prepare("verify", fixture)?;
        Ok(operation.map(|mut operation| -> Verify { Box::new(move |token| operation.run(token).map(drop)) }))
    }

    fn load(&self, fixture: &'static Fixture) -> Result<Option<Load>, Error> {
        let operation = self.prepare("load", fixture)?;
        Ok(operation.map(|mut operation| -> Load { Box::new(move |pem| operation.run(pem).map(drop)) }))
    }
}
