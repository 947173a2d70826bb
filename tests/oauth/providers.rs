//! The table of profiles in the guide.

use private_key_jwt::Profile;

const GUIDE: &str = include_str!("../../src/guide/call_a_provider.md");
const HEAD: &str = "\
| provider | audience | `typ` | algorithms | longest lifetime | header | read on | source |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

/// After a change of profiles, replace the table in the guide by the printed one.
#[test]
fn the_guide_has_a_row_for_every_profile() {
    let rows = Profile::known().map(|(_, profile)| format!("{profile}\n"));
    let table = format!("{HEAD}{}", rows.collect::<String>());
    assert!(GUIDE.contains(&format!("\n\n{table}\n")), "the table should be:\n\n{table}");
}
