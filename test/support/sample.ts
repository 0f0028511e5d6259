/** A kernel's text without the unit that all lanes look at to choose a shift: it is read once more. */
export const withoutSample = (wgsl: string) => wgsl.replace(/ {2}\{\n {4}let unit = 0u;\n.*?\n {2}\}\n/gs, "");
