export function roomImports(): ReadonlyMap<string, ReadonlySet<string>>;
