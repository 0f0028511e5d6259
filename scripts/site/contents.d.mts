export interface Section {
  readonly title: string;
  readonly pages: readonly { readonly title: string; readonly path: string }[];
}
export function contentsOf(summary: string): Section[];
