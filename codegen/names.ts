/** Identifiers of the generated WGSL. */

import { libraryNames } from "../src/ir/ops/wgsl-functions.ts";
import { bufferFunctionNames } from "./buffers.ts";

/** Keywords and reserved words of WGSL (https://www.w3.org/TR/WGSL/#keyword-summary, #reserved-words). */
const words = `alias break case const const_assert continue continuing default diagnostic discard else enable false fn
for if let loop override requires return struct switch true var while
NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class
co_await co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval
constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends
extern external fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements import
inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut mutable namespace new
nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package
packoffset partition pass patch pixelfragment precise precision premerge priv protected pub public readonly ref
regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static
static_assert static_cast std subroutine super target template this thread_local throw trait try type typedef typeid
typename typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield`;

/** Functions and types that generated code uses, which a local of the same name would shadow. */
const predeclared = `abs acos array atan atan2 atomic atomicAnd atomicLoad atomicOr atomicStore bitcast bool ceil clamp cos exp exp2 f16
f32 floor fma i32 inverseSqrt log log2 main max min pack2x16float pow quantizeToF16 round select sign sin sqrt
subgroupShuffleXor tan tanh trunc u32 unpack2x16float vec2 vec2f vec2h vec2i vec2u vec3u vec4 vec4f vec4h vec4i vec4u
workgroupBarrier`;

const reserved: ReadonlySet<string> = new Set([
  ...`${words} ${predeclared}`.split(/\s+/),
  ...libraryNames,
  ...bufferFunctionNames,
]);

/** Makes identifiers that are unique in a scope and in the enclosing scopes. */
export class Names {
  private readonly taken = new Set<string>();
  private readonly next = new Map<string, number>();
  private readonly outer: Names | undefined;

  constructor(outer?: Names) {
    this.outer = outer;
  }

  private has(name: string): boolean {
    return reserved.has(name) || this.taken.has(name) || this.outer?.has(name) === true;
  }

  /**
   * `hint` itself if WGSL allows it and it is not taken, else a name derived from it. Its combinations with `endings` are
   * reserved too.
   */
  define(hint: string, endings: readonly string[] = [""]): string {
    const stem = hint === "_" || hint.startsWith("__") ? `v${hint}` : hint;
    let name = reserved.has(stem) ? `${stem}_` : stem;
    let n = this.next.get(stem) ?? 1;
    while (endings.some((ending) => this.has(name + ending))) name = `${stem}_${n++}`;
    this.next.set(stem, n);
    for (const ending of endings) this.taken.add(name + ending);
    return name;
  }
}
