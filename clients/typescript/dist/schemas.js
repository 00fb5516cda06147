// Generated from openapi.json by generate.mjs: do not edit.
export {};
