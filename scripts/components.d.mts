export interface Room {
  readonly name: string;
  readonly paths: readonly string[];
  readonly does: string;
}
export const layers: readonly { readonly components: readonly Room[]; readonly apart?: true }[];
export interface Step {
  readonly is: string;
  readonly says: string;
  readonly by: readonly string[];
}
export const flow: readonly Step[];
export const besides: readonly (Step & { readonly at: number; readonly side: "left" | "right" })[];
