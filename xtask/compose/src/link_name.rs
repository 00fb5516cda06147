//! A component that tells the name of a link, for what shows the link its settings.

use anyhow::Context as _;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WORLD: &str = "
    package concept:composing;
    interface link-name { get: func() -> string; }
    world the-name { export link-name; }
";

const GET: &str = "concept:composing/link-name#get";

/// Where the module has the address and the length of the name, and then the name.
const ANSWER: i32 = 0;
const NAME: u32 = 8;

pub fn component(name: &str) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("link-name.wit", WORLD)?;
    let world = resolve.select_world(&[package], None)?;
    let mut module = module(name)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()
        .context("the name of a link cannot be made a component")
}

/// A function that answers where the name is, and a page of memory with it.
fn module(name: &str) -> anyhow::Result<Vec<u8>> {
    let length = u32::try_from(name.len()).context("the name of a link is too long")?;
    anyhow::ensure!(length < 1 << 12, "the name of a link is too long");
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: Some(1),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export(GET, ExportKind::Func, 0);
    exports.export("memory", ExportKind::Memory, 0);
    let mut get = Function::new([]);
    get.instructions().i32_const(ANSWER).end();
    let mut code = CodeSection::new();
    code.function(&get);
    let mut data = DataSection::new();
    let answer = [
        &NAME.to_le_bytes(),
        &length.to_le_bytes()[..],
        name.as_bytes(),
    ];
    data.active(0, &ConstExpr::i32_const(ANSWER), answer.concat());
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code)
        .section(&data);
    Ok(module.finish())
}
