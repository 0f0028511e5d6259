/** What kernels and plans on a device have in common: arguments and results on the host, and errors as diagnostics. */

import * as inputErrors from "../diagnostics/areas/inputs.ts";
import { fail, TircError } from "../diagnostics/diagnostic.ts";
import type { LaunchArray } from "../launch/compact.ts";
import type { LaunchHooks } from "../launch/prepared.ts";
import type { AnyTypes, LaunchOutputs, LaunchTypes, OnDevice } from "../launch/types.ts";
import type { Kernel } from "../target/manifest.ts";
import { type BoundInputs, bindInputs, type Dims, extents, type Inputs, readDims } from "./bind-inputs.ts";
import { checkModules, failIfLost, orDeviceLost, withErrorScopes } from "./device-errors.ts";
import { encode, type HostInput, type HostTensor, hostTensorOf, toNumber } from "./host-tensor.ts";
import { diagnosticOf } from "./launch-diagnostics.ts";

/** The results of a run. */
export interface RunResult<T extends LaunchTypes = AnyTypes> {
  /** The results by name, without those that were given. */
  readonly outputs: { readonly [N in keyof T["outputs"]]: HostTensor };
  /** The number of kernels that were started: for one kernel, none if there are no rows. */
  readonly launches: number;
}

/** The tensors of a call by name: inputs on the host or on the device, scalars also as numbers, and results on the device. */
export type Tensors<T extends LaunchTypes = AnyTypes> = {
  readonly [N in keyof T["inputs"]]:
    | HostInput
    | Extract<T["inputs"][N], number | boolean>
    | (T["inputs"][N] extends number | boolean ? never : OnDevice);
} & LaunchOutputs<Omit<T["outputs"], keyof T["inputs"] | keyof typeof Object.prototype>>;

/** The arguments of a call in the form that the launcher accepts. */
interface LaunchArguments {
  readonly tensors: Record<string, LaunchArray | number>;
  readonly dims: Dims;
}

/** The launcher's object for a kernel or a plan. */
interface Launched {
  compile(dims: Dims): Promise<void>;
  destroy(): void;
}

export abstract class Runner<T extends LaunchTypes, L extends Launched> {
  /** Untyped: arguments are checked when they are passed. */
  protected readonly launched: L;
  readonly #device: GPUDevice;
  readonly #signature: Kernel;
  readonly #dims: Dims;
  readonly #modules: Promise<void>;

  /**
   * @param signature describes the arguments
   * @param kernels in the forms that the device uses
   * @param create makes the launcher's object, and `moduleOf` is its module of a kernel
   */
  protected constructor(
    device: GPUDevice,
    signature: Kernel,
    kernels: readonly Kernel[],
    dims: Partial<T["dims"]>,
    create: (hooks: LaunchHooks) => L,
    moduleOf: (launched: L, kernel: string) => GPUShaderModule,
  ) {
    this.#device = device;
    this.#signature = signature;
    this.#dims = readDims(signature, dims as Dims);
    const guard = <R>(work: () => R) => withErrorScopes(device, signature.name, work);
    const errorOf: LaunchHooks["errorOf"] = (name, problem) => {
      const kernel = name === signature.name ? undefined : kernels.find((one) => one.name === name);
      return new TircError([diagnosticOf(name, problem, (kernel ?? signature).manifest)]);
    };
    const { value, checked } = guard(() => {
      const launched = create({ errorOf, guard });
      return { launched, modules: kernels.map((kernel) => [kernel, moduleOf(launched, kernel.name)] as const) };
    });
    this.launched = value.launched;
    this.#modules = checkModules(value.modules, checked);
    this.#modules.catch(() => {}); // Awaited by all that need the pipelines.
  }

  /** Compiles the pipelines, once the modules are checked. @throws TircError */
  async compile(): Promise<void> {
    const { name } = this.#signature;
    await failIfLost(this.#device, name);
    await orDeviceLost(this.#device, name, this.#modules);
    await orDeviceLost(this.#device, name, this.launched.compile(this.#dims));
  }

  destroy(): void {
    this.launched.destroy();
  }

  protected read(tensors: Tensors<T>, more: Partial<T["dims"]> = {}): LaunchArguments {
    const dims = mergeDims(this.#dims, readDims(this.#signature, more as Dims));
    const bound = bindInputs(this.#signature, tensors as unknown as Inputs, dims);
    return { tensors: argumentsOf(bound), dims: bound.dims };
  }

  /** Reads the arguments, calls `run` of the launcher, and gives its results their shapes. */
  protected results(
    tensors: Tensors<T>,
    dims: Partial<T["dims"]> | undefined,
    run: (given: LaunchArguments) => Promise<AnyTypes["outputs"]>,
    launches: (dims: Dims) => number,
  ): Promise<RunResult<T>> {
    const work = async () => {
      const given = this.read(tensors, dims);
      const running = run(given);
      running.catch(() => {}); // An error of a module is more informative.
      await this.#modules;
      const arrays = await running;
      const outputs = this.#signature.manifest.bindings.flatMap((binding) => {
        const array = binding.access === "read_write" ? arrays[binding.name] : undefined;
        return array ? [[binding.name, hostTensorOf(binding, extents(binding.shape, given.dims), array)]] : [];
      });
      return { outputs: Object.fromEntries(outputs), launches: launches(given.dims) };
    };
    return orDeviceLost(this.#device, this.#signature.name, work());
  }
}

/** Runs something once, and destroys it. */
export async function once<R extends { destroy(): void }, V>(runner: R, run: (runner: R) => Promise<V>): Promise<V> {
  try {
    return await run(runner);
  } finally {
    runner.destroy();
  }
}

function argumentsOf({ arrays, onDevice }: BoundInputs): LaunchArguments["tensors"] {
  const host = arrays.map(({ binding, data }) => {
    const isScalar = !("binding" in binding);
    return [binding.name, isScalar ? toNumber(binding.element, data) : encode(binding, data)] as const;
  });
  return { ...Object.fromEntries(host), ...(onDevice as Record<string, never>) };
}

/** Merges the dimensions given to `prepare` with those of a call. Throws TircError: E0606 if they differ. */
function mergeDims(prepared: Dims, more: Dims): Dims {
  for (const [name, extent] of Object.entries(more)) {
    const before = prepared[name];
    if (before !== undefined && before !== extent) {
      fail(inputErrors.dimConflict(name, "`prepare`'s dimensions", before, "the call's dimensions", extent));
    }
  }
  return Object.assign(Object.create(null), prepared, more);
}
