//! Comma-separated values (RFC 4180) for spreadsheets. No cell becomes a formula there:
//! what users and models are called is chosen by others.

/// How a formula begins.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// What splits a cell or a line; some spreadsheets split cells at semicolons or tabs.
const SEPARATORS: [char; 6] = [',', ';', '\t', '"', '\r', '\n'];

/// A line of these cells, with its end.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<_> = cells.into_iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    let mark = if text.starts_with(FORMULA) { "'" } else { "" };
    match text.contains(SEPARATORS) {
        true => format!("\"{mark}{}\"", text.replace('"', "\"\"")),
        false => format!("{mark}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_and_no_formula() {
        for (text, expected) in [
            ("ada", "ada"),
            ("", ""),
            ("2026-11-20", "2026-11-20"),
            ("ada, the first", "\"ada, the first\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("a;=1+1", "\"a;=1+1\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("=\"a\",1", "\"'=\"\"a\"\",1\""),
            ("1=1", "1=1"),
            ("'=1", "'=1"),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_ends_as_the_format_has_it() {
        assert_eq!(line(["user", "a,b", ""]), "user,\"a,b\",\r\n");
    }
}
