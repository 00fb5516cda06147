//! Why nothing can be done for a prompt, in a sentence that is true of it.

use crate::notes::listed_words;
use crate::plan::{Plan, Unused};

pub fn of(prompt: &str, plan: &Plan) -> String {
    if is_foreign(prompt) {
        return "This model reads English: please say in English what should change, such as \
                \"warmer\" or \"a white background\""
            .to_owned();
    }
    let words =
        |pick: fn(&Unused) -> Option<&str>| listed_words(plan.unused.iter().filter_map(pick));
    let part = words(Unused::of_part);
    let removed = words(|unused| unused.undone()?.strip_prefix("remove "));
    let unused = words(|unused| unused.undone().or(unused.unknown()));
    // In any inflection: "cropped".
    let has = |verbs: &[&str]| {
        let mut undone = plan.unused.iter().filter_map(Unused::undone);
        undone.any(|words| verbs.iter().any(|verb| words.starts_with(verb)))
    };
    if has(&["resiz", "scal", "rescal", "upscal", "big", "larg", "enlarg"]) {
        "This model can only resize to a size such as 1024x1024 of at most 16,384 pixels a side, or \
         by a factor such as 50% or 2x, up to 8x"
            .to_owned()
    } else if has(&["crop"]) {
        "This model can only crop to a square, to a circle, to a ratio such as 16:9, or tighter"
            .to_owned()
    } else if let Some(words) = part {
        format!(
            "This model can only change the whole picture or its background, and cannot tell \
             other parts apart ({words})"
        )
    } else if let Some(words) = removed {
        format!(
            "This model can only remove the background, and not what else the picture shows \
             ({words}); it makes a colour transparent, as in \"make the white transparent\""
        )
    } else if let Some(words) = unused {
        format!(
            "This model can only edit by rules (colours, light, sharpness, size, background and \
             the like), and has none for: {words}"
        )
    } else {
        "The prompt names no change: say what should be different, such as \"warmer\" or \
         \"a white background\""
            .to_owned()
    }
}

/// Whether the prompt is in another language than English: in another script, or with
/// words that are frequent elsewhere and none here.
fn is_foreign(prompt: &str) -> bool {
    let is_latin = |c: char| c.is_ascii_alphabetic() || ('\u{C0}'..='\u{24F}').contains(&c);
    let letters = || prompt.chars().filter(|c| c.is_alphabetic());
    if letters().filter(|c| !is_latin(*c)).count() * 2 > letters().count() {
        return true;
    }
    let lower = prompt.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.any(|word| FOREIGN.split_whitespace().any(|foreign| foreign == word))
}

/// Frequent in requests in German, French, Spanish, Italian, Portuguese, Dutch and Polish,
/// and no words of English ("film noir", "pour", "wit").
const FOREIGN: &str = "
    der das und nicht mit ohne mach mache machen bitte heller dunkler wärmer kälter hintergrund
    farbe farben entferne ändere größer kleiner schwarz weiß blau grün ein eine einen
    le les avec sans fais rends enlève supprime couleur couleurs clair foncé rouge
    bleu vert blanc minimaliste moins et une
    el haz hazlo más menos quita cambia fondo colores claro oscuro rojo azul verde
    negro blanco por
    il gli rendi togli senza più sfondo colori scuro chiaro rosso nero bianco
    faça deixe remova cores escuro vermelho preto branco
    maak het een achtergrond kleur kleuren lichter donkerder zonder verwijder groter kleiner zwart
    zrób usuń tło jaśniej ciemniej bez kolor kolory
";
