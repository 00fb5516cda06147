//! Each provider of the table is documented as it is.

use concept_refinement_domain::provider::{KeyRule, Provider};

use crate::docs::documents::{code_spans, rows};
use crate::read;

#[test]
fn each_provider_has_its_row_and_its_place_in_the_readme() {
    let page = read("docs/models.md");
    let (_, section) = page.split_once("## Models of providers").unwrap();
    let (section, _) = section.split_once("### ").unwrap();
    let readme = read("README.md");
    let (introduction, _) = readme.split_once("\n## ").unwrap();
    let (documented, ends): (Vec<_>, Vec<_>) = rows(section).partition(|cells| cells.len() > 4);
    let mut documented = documented.into_iter().skip(1);
    for provider in Provider::ALL {
        let profile = provider.profile();
        let name = profile.name;
        let row = documented
            .next()
            .unwrap_or_else(|| panic!("{name} has no row"));
        assert_eq!(code_spans(row[0]), [name]);
        assert_eq!(code_spans(row[2]), [profile.url], "{name}");
        let is_required = match profile.key {
            KeyRule::Everywhere | KeyRule::AtItsOwnUrl => true,
            KeyRule::Nowhere => false,
        };
        assert_eq!(row[3].starts_with("required"), is_required, "{name}");
        let model: Vec<_> = profile.model.into_iter().collect();
        assert_eq!(code_spans(row[4]), model, "{name}");
        for (model, day) in profile.ends {
            let is_told = |row: &Vec<&str>| {
                code_spans(row[0]) == [name]
                    && code_spans(row[1]).iter().any(|told| told == model)
                    && row[2] == *day
            };
            assert!(ends.iter().any(is_told), "{name}: {model} ends on {day}");
        }
        let is_named = [format!("`{name}`"), format!("`--model {name}`")];
        assert!(
            is_named.iter().any(|text| introduction.contains(text)),
            "the README does not name {name}"
        );
    }
    assert_eq!(documented.next(), None, "a row of no provider");
}
