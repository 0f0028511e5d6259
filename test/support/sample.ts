/** A kernel's text without the unit from which all lanes choose a shift: it is read one more time. */
export const withoutSample = (wgsl: string) => wgsl.replace(/ {2}\{\n {4}let unit = 0u;\n.*?\n {2}\}\n/gs, "");
