/** Descriptions of a rewritten checkpoint, in terms of the original tensors. */

/** How the program of a rewritten model differs from that of the original. */
export interface Rewriting {
  /** Tensors whose rows are centered. */
  readonly centered: ReadonlySet<string>;
  /** Modules of norms that become RMSNorms, followed by an addition of beta. */
  readonly rms: ReadonlySet<string>;
  /** Tensors that are parameters of the program, so that passes cannot change them. */
  readonly fixed?: ReadonlySet<string>;
  /** Whether the program includes the products that read norms, and treats all tensors as f32: needed for folding. */
  readonly hasReaders?: boolean;
  /** Tensors into which a gamma or a beta is folded. */
  readonly folded?: ReadonlyMap<string, Folded>;
  /** Gammas and betas that are folded: their norms omit them. */
  readonly emptied?: ReadonlySet<string>;
}

/** The new value of a tensor into which a gamma or a beta was folded. */
export type Folded =
  /** W diag(gamma), or W diag(1 + gamma), along that axis of the weight. */
  | {
      readonly kind: "scaled";
      readonly weight: string;
      readonly by: string;
      readonly plusOne: boolean;
      readonly axis: 0 | 1;
    }
  /** bias + W beta, summed over that axis of the weight. */
  | {
      readonly kind: "shifted";
      readonly weight: string;
      readonly by: string;
      readonly bias: string;
      readonly axis: 0 | 1;
    };
