export function componentImports(): ReadonlyMap<string, ReadonlySet<string>>;
export function importsOf(file: string): readonly {
  readonly specifier: string;
  readonly target: string | undefined;
  readonly names: readonly string[] | undefined;
}[];
