/** Inputs for the interpreter; those of `tirc/testing`. */

export * from "../../src/testing/random-inputs.ts";
