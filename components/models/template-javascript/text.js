// QuickJS has no TextEncoder and no TextDecoder. fast-png uses them for Latin-1.

globalThis.TextEncoder = class {
  encode(text) {
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }
};

globalThis.TextDecoder = class {
  decode(bytes = []) {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
};
