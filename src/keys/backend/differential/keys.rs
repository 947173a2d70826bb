use curve25519_dalek::constants::EIGHT_TORSION;
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::signatures::order;
use super::{
    KEYS, KeyMaterial, KeyParameters, Private, answer, aws, difference, key, loaded, material, public_answer,
    rust, same, sum,
};
use crate::jose::Curve;

const EC: &str = "Inconsistent { key_type: \"EC\" }";
const ED25519: &str = "Inconsistent { key_type: \"Ed25519\" }";

const CURVES: [(&str, Curve); 3] =
    [("p256.pkcs8.der", Curve::P256), ("p384.pkcs8.der", Curve::P384), ("p521.pkcs8.der", Curve::P521)];

fn ec(curve: Curve, scalar: &[u8], point: Option<&[u8]>) -> KeyMaterial {
    KeyMaterial::Ec { curve, scalar: Zeroizing::new(scalar.to_vec()), point: point.map(<[u8]>::to_vec) }
}

#[test]
fn ec_scalars_are_from_one_to_the_order() {
    for (_, curve) in CURVES {
        let n = order(curve);
        let one = sum(&vec![0; n.len()], &[1]);
        let minus_one = difference(&n, &[1]);
        let [of_one, of_minus_one] = [&one, &minus_one].map(|scalar| {
            let KeyParameters::Ec { x, y, .. } = Private::new(&ec(curve, scalar, None)).unwrap().parameters
            else {
                panic!("an EC key")
            };
            [&[4], &x[..], &y].concat()
        });
        assert_eq!(answer(&ec(curve, &one, Some(&of_one))), "a key");
        for scalar in [vec![0; n.len()], n.clone(), sum(&n, &[1]), vec![0xff; n.len()]] {
            for point in [None, Some(&of_one[..]), Some(&of_minus_one), Some(&[0][..])] {
                assert_eq!(answer(&ec(curve, &scalar, point)), EC, "{scalar:02x?}");
            }
        }
    }
}

/// SEC 1 §2.3.3: uncompressed or compressed, and matching the scalar.
#[test]
fn an_ec_point_next_to_a_scalar_is_its_own() {
    for (name, curve) in CURVES {
        let KeyMaterial::Ec { scalar, point: Some(own), .. } = material(name) else { panic!("an EC key") };
        let answer = |point: &[u8]| answer(&ec(curve, &scalar, Some(point)));
        let (x, y) = own[1..].split_at(curve.coordinate_len());
        let sign = own[own.len() - 1] & 1;
        assert_eq!((answer(&own), answer(&[&[2 | sign], x].concat())), ("a key".into(), "a key".into()));
        assert!(Private::new(&ec(curve, &scalar, None)).is_ok());
        let mut off_curve = own.clone();
        off_curve[1 + curve.coordinate_len()] ^= 1;
        for point in [
            [&[3 - sign], x].concat(),
            [&[6 | sign], x, y].concat(),
            [&[7 - sign], x, y].concat(),
            [&[4], x].concat(),
            [&[4], y, x].concat(),
            [&[4], x, y, &[0]].concat(),
            [&[2 | sign], x, y].concat(),
            [&[5], x, y].concat(),
            [x, y].concat(),
            own[..own.len() - 1].to_vec(),
            off_curve,
            vec![0],
            vec![],
        ] {
            assert_eq!(answer(&point), EC, "{name} {point:02x?}");
        }
    }
}

/// RFC 5480 §2.2, SEC 1 §2.3.4.
#[test]
fn compressed_points_have_one_other_coordinate() {
    for (name, curve) in CURVES {
        let parameters = key(name).parameters;
        let KeyParameters::Ec { x, y, .. } = &parameters else { panic!("an EC key") };
        let both = |point: &[u8]| same(rust::decompressed(curve, point), aws::decompressed(curve, point));
        let sign = 2 | y[y.len() - 1] & 1;
        let (of_rust, of_aws) = both(&[&[sign], &x[..]].concat()).unwrap();
        assert_eq!((&of_rust, &of_aws), (&parameters, &parameters), "{name}");
        let (other, of_aws) = both(&[&[5 - sign], &x[..]].concat()).unwrap();
        assert_eq!(other, of_aws);
        assert!(matches!(&other, KeyParameters::Ec { x: same, y: other, .. } if same == x && other != y));
        // Half of all numbers are not coordinates, and none are from the field's size on.
        let mut x = x.clone();
        let results = (0..32).map(|_| {
            x = sum(&x, &[1]);
            both(&[&[sign], &x[..]].concat()).is_ok()
        });
        let points = results.filter(|is_point| *is_point).count();
        assert!((4..29).contains(&points), "{name}: {points}");
        assert!(both(&[&[2], &vec![0xff; x.len()][..]].concat()).unwrap_err().starts_with(EC));
    }
}

#[test]
fn public_ec_points_are_on_their_curve() {
    for (name, curve) in CURVES {
        let KeyParameters::Ec { x, y, .. } = key(name).parameters else { panic!("an EC key") };
        let answer =
            |x: &[u8], y: &[u8]| public_answer(&KeyParameters::Ec { curve, x: x.to_vec(), y: y.to_vec() });
        assert_eq!(answer(&x, &y), "a key");
        let (zero, top) = (vec![0; x.len()], vec![0xff; x.len()]);
        let one = sum(&zero, &[1]);
        for (x, y) in [
            (&y, &x),
            (&x, &sum(&y, &[1])),
            (&sum(&x, &[1]), &y),
            (&zero, &zero),
            (&zero, &one),
            (&x, &top),
            (&top, &y),
            (&x, &y[1..].to_vec()),
            (&[&[0], &x[..]].concat(), &y),
            (&x, &vec![]),
        ] {
            assert_eq!(answer(x, y), EC, "{name} {x:02x?} {y:02x?}");
        }
    }
}

#[test]
fn public_ed25519_points_are_canonical_and_not_of_small_order() {
    let answer = |x: [u8; 32]| public_answer(&KeyParameters::Ed25519 { x });
    let KeyParameters::Ed25519 { x } = key("ed25519.pkcs8.der").parameters else { panic!("an Ed25519 key") };
    assert_eq!(answer(x), "a key");
    for point in EIGHT_TORSION {
        assert_eq!(answer(point.compress().to_bytes()), ED25519);
    }
    // y + p for every y that fits, with either sign (RFC 8032 §5.1.3 step 1).
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    let mut reduced = 0;
    for y in 0..19 {
        for sign in [0, 0x80] {
            let mut encoded = p;
            encoded[0] += y;
            encoded[31] |= sign;
            assert_eq!(answer(encoded), ED25519, "{y} {sign}");
            let mut canonical = [0; 32];
            (canonical[0], canonical[31]) = (y, sign);
            reduced += usize::from(answer(canonical) == "a key");
        }
    }
    assert!(reduced > 0, "the same y, reduced, is a key for some");
    // −0 (step 4): if y is 1 or −1, x is 0 and has no sign.
    let mut minus_one = p;
    minus_one[0] -= 1;
    let one = std::array::from_fn(|place| u8::from(place == 0));
    for mut encoded in [one, minus_one] {
        encoded[31] |= 0x80;
        assert_eq!(answer(encoded), ED25519);
    }
    // Half of all values of y are not points.
    assert!(
        (0..=255).any(|y| answer(std::array::from_fn(|place| if place == 0 { y } else { 1 })) == ED25519)
    );
}

#[test]
fn an_ed25519_public_key_next_to_a_seed_is_its_own() {
    let KeyMaterial::Ed25519 { seed, .. } = material("ed25519.pkcs8.der") else { panic!("an Ed25519 key") };
    let answer = |public: Option<Vec<u8>>| answer(&KeyMaterial::Ed25519 { seed: seed.clone(), public });
    let KeyParameters::Ed25519 { x } = key("ed25519.pkcs8.der").parameters else { panic!("an Ed25519 key") };
    assert_eq!((answer(None), answer(Some(x.to_vec()))), ("a key".into(), "a key".into()));
    for public in
        [vec![], x[1..].to_vec(), [&x[..], &[0]].concat(), [&x[..31], &[x[31] ^ 0x80]].concat(), vec![0; 32]]
    {
        assert_eq!(answer(Some(public)), ED25519);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any octet of any file: both load the same key or fail with the same error.
    #[test]
    fn any_damaged_file_is_judged_alike(
        file in prop::sample::select(KEYS.iter().filter(|(name, _)| name.ends_with(".der")).collect::<Vec<_>>()),
        position in any::<prop::sample::Index>(),
        mask in 1_u8..,
    ) {
        let mut bytes = file.1.to_vec();
        let position = position.index(bytes.len());
        bytes[position] ^= mask;
        if let Ok(material) = loaded(&bytes) {
            let _ = answer(&material);
        }
    }

    #[test]
    fn any_compressed_point_is_judged_alike(curve in 0_usize..3, x in any::<[u8; 66]>(), odd in any::<bool>()) {
        let (_, curve) = CURVES[curve];
        let point = [&[2 | u8::from(odd)], &x[..curve.coordinate_len()]].concat();
        if let Ok((of_rust, of_aws)) = same(rust::decompressed(curve, &point), aws::decompressed(curve, &point)) {
            assert_eq!(of_rust, of_aws);
        }
    }

    #[test]
    fn any_damaged_point_is_judged_alike(
        curve in 0_usize..3,
        x in any::<[u8; 66]>(),
        y in any::<Option<[u8; 66]>>(),
        ed25519 in any::<[u8; 32]>(),
    ) {
        let (name, curve) = CURVES[curve];
        let KeyParameters::Ec { y: own, .. } = key(name).parameters else { panic!("an EC key") };
        let len = curve.coordinate_len();
        let y = y.map_or(own, |y| y[..len].to_vec());
        let _ = public_answer(&KeyParameters::Ec { curve, x: x[..len].to_vec(), y });
        let _ = public_answer(&KeyParameters::Ed25519 { x: ed25519 });
        let _ = answer(&ec(curve, &x[..len], None));
    }
}
