/**
 * Emits a plan as Rust for wgpu: a module with its extents, the sizes of its buffers, and a function that records its kernels in
 * order. The kernels have modules of their own.
 */

import { elementInfo, printType } from "../ir/types.ts";
import type { LaunchBuffer, LaunchOfKernel, LaunchOfOp, LaunchPlan, LaunchView } from "../launch/plan-manifest.ts";
import { arrays } from "../launch/tensors.ts";
import type { Kernel } from "../target/manifest.ts";
import { argumentsOf, kernelOf, noteOn, placesOf, stridesOf, viewed } from "./plan-memory.ts";
import type { CompiledKernels } from "./plan-signature.ts";
import { indent, parametersStruct, rustName } from "./rust-syntax.ts";

/** Whether the caller computes some ops of the plan. */
export const hasProducts = ({ steps }: LaunchPlan): boolean => steps.some((step) => "opaque" in step);

/** The module of types for ops that the caller computes. @param name unique among kernels. */
export const productTypes = (
  name: string,
): string => `/// What a plan leaves to the caller: products, and ops of other programs.
#[allow(dead_code)]
pub mod ${name} {
    /// Elements in row-major order from the start of the buffer on, seen in a shape.
    pub struct Tensor<'a> {
        pub name: &'static str,
        pub buffer: &'a wgpu::Buffer,
        pub element: &'static str,
        pub shape: Vec<u32>,
    }

    /// An op that is to be recorded: it writes \`writes\`.
    pub struct Product<'a> {
        /// \`matmul\`, \`linear\`, \`conv\` or \`extern\`.
        pub op: &'static str,
        /// Of the step.
        pub name: &'static str,
        /// Attributes of the op, as JSON.
        pub attributes: &'static str,
        pub reads: Vec<Tensor<'a>>,
        /// Operands that are numbers.
        pub numbers: Vec<(&'static str, f64)>,
        pub writes: Vec<Tensor<'a>>,
    }
}
`;

/** The text of a plan's module. @param products the name of the module of `productTypes`. */
export function planModule({ plan, kernels }: CompiledKernels, products: string): string {
  const own = [...new Set(plan.steps.flatMap((step) => ("launch" in step ? [kernelOf(kernels, step)] : [])))];
  const used = [...own.map(({ name }) => rustName(name)), ...(hasProducts(plan) ? [products] : [])].sort();
  const items = [parametersText(plan, own), buffersText(plan), recordText(plan, own, products)];
  return `/// \`${plan.name}\`: ${own.length} kernels, recorded one after the other.
#[allow(dead_code, non_snake_case)]
pub mod ${rustName(plan.name)} {
    use super::{${used.join(", ")}};

${indent(items.join("\n\n"), 1)}
}
`;
}

/** An extent as an expression of type u32. @param self an expression of the parameters. */
function extentText({ dims }: LaunchPlan, dim: number | string, self: string): string {
  if (typeof dim === "number") return `${dim}`;
  return dims.some(({ name }) => name === dim) ? `${self}.${rustName(dim)}` : `${self}.extent_${dim}()`;
}

/** A product of extents as an expression of type u64. */
function countText(plan: LaunchPlan, shape: readonly (number | string)[], self: string): string {
  const factors = shape.map((dim) =>
    typeof dim === "number" ? `${dim}u64` : `u64::from(${extentText(plan, dim, self)})`,
  );
  return factors.join(" * ") || "1u64";
}

function parametersText(plan: LaunchPlan, kernels: readonly Kernel[]): string {
  const { scalars, tensors } = argumentsOf(plan);
  const fields = [
    ...plan.dims.map(({ name }) => `/// The extent of the dimension \`${name}\`.\npub ${rustName(name)}: u32,`),
    ...scalars.map((one) => {
      const type = one.element === "bool" ? "bool" : elementInfo[one.element].computed;
      return `/// ${noteOn(plan, one)}${one.element}.\npub ${rustName(one.name)}: ${type},`;
    }),
  ];
  const extents = plan.extents.map(({ name, of, by, least, most }) => {
    const divided = `${typeof of === "number" ? `${of}u32` : extentText(plan, of, "self")}.div_ceil(${extentText(plan, by, "self")})`;
    const bounded = `${divided}${least === undefined ? "" : `.max(${least})`}${most === undefined ? "" : `.min(${most})`}`;
    return `pub fn extent_${name}(&self) -> u32 {\n    ${bounded}\n}\n\n`;
  });
  const strides = stridesOf(plan, kernels);
  const size = ({ name, element, shape }: LaunchBuffer) => {
    const least = Math.ceil((strides.get(name) as number) / 4);
    return `(${countText(plan, shape, "self")} * ${arrays[element].BYTES_PER_ELEMENT}).div_ceil(4).max(${least}) * 4`;
  };
  const sizes = tensors.map((buffer) => `${size(buffer)}, // ${buffer.name}`);
  const places = placesOf(plan).map((list) => {
    const [first = "", ...more] = list.map(size);
    const all = more.reduce((text, one) => `${text}.max(${one})`, more.length > 0 ? `(${first})` : first);
    return `${all}, // ${list.map(({ name }) => name).join(", ")}`;
  });
  const array = (list: readonly string[]) => (list.length === 0 ? "[]" : `[\n${indent(list.join("\n"), 1)}\n]`);
  return `${parametersStruct(fields)}${indent(extents.join(""), 1)}    /// Bytes of the buffers, in the order of \`Buffers\`.
    pub fn sizes(&self) -> [u64; ${sizes.length}] {
${indent(array(sizes), 2)}
    }

    /// Bytes of the places that intermediates share.
    pub fn places(&self) -> [u64; ${places.length}] {
${indent(array(places), 2)}
    }
}`;
}

function buffersText(plan: LaunchPlan): string {
  const fields = argumentsOf(plan).tensors.map(
    (one) => `/// ${noteOn(plan, one)}${printType(one)}\npub ${rustName(one.name)}: &'a wgpu::Buffer,`,
  );
  return `/// What the kernels read and write, with the usage \`STORAGE\`.
#[derive(Clone, Copy)]
pub struct Buffers<'a> {
${indent(fields.join("\n"), 1)}
}`;
}

function recordText(plan: LaunchPlan, kernels: readonly Kernel[], products: string): string {
  const takes = kernels.some(({ manifest }) => manifest.overrides.length > 0);
  const launchOf = (kernel: Kernel) =>
    plan.steps.find((step) => "launch" in step && step.launch === kernel.name) as LaunchOfKernel;
  const fields = kernels.map(({ name }) => `pub ${rustName(name)}: ${rustName(name)}::Kernel,`);
  const made = kernels.map((kernel) => {
    const given = kernel.manifest.overrides.length > 0 ? `, &${ownParameters(plan, kernel, launchOf(kernel))}` : "";
    return `${rustName(kernel.name)}: ${rustName(kernel.name)}::Kernel::new(device${given}),`;
  });
  const steps = plan.steps.flatMap((step) => {
    if ("opaque" in step) return [productText(plan, step, products)];
    if (!("launch" in step)) return [];
    return [launchText(plan, step, kernelOf(kernels, step))];
  });
  const places = placesOf(plan).length;
  const usage = hasProducts(plan)
    ? "wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST"
    : "wgpu::BufferUsages::STORAGE";
  const filled = hasProducts(plan)
    ? `\n    products: &mut dyn FnMut(&mut wgpu::CommandEncoder, &${products}::Product<'_>),`
    : "";
  const isGiven = (text: string, name: string) => (steps.some((step) => step.includes(text)) ? name : `_${name}`);
  return `/// The kernels on a device.
pub struct Plan {
${indent(fields.join("\n"), 1)}
}

impl Plan {
    pub fn new(device: &wgpu::Device${takes ? ", parameters: &Parameters" : ""}) -> Self {
        Self {
${indent(made.join("\n"), 3)}
        }
    }

    /// Memory for the intermediates of a call, or of one after the other.
    pub fn places(device: &wgpu::Device, parameters: &Parameters) -> [wgpu::Buffer; ${places}] {
        parameters.places().map(|size| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("${plan.name}"),
                size,
                usage: ${usage},
                mapped_at_creation: false,
            })
        })
    }

    /// Records all of it${hasProducts(plan) ? ": `products` is called for what the caller computes, in its order" : ""}.
    pub fn encode(
        &self,
        ${isGiven("device", "device")}: &wgpu::Device,
        ${isGiven("queue", "queue")}: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        ${isGiven("parameters", "parameters")}: &Parameters,
        ${isGiven("buffers.", "buffers")}: &Buffers<'_>,
        ${isGiven("places[", "places")}: &[wgpu::Buffer; ${places}],${indent(filled, 1)}
    ) {
${indent(steps.join("\n"), 2)}
    }
}

fn uniform_buffer(device: &wgpu::Device, queue: &wgpu::Queue, bytes: &[u8]) -> wgpu::Buffer {
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("uniforms"),
        size: bytes.len() as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&buffer, 0, bytes);
    buffer
}`;
}

/** The parameters of a kernel, from those of the plan. */
function ownParameters(plan: LaunchPlan, { name, manifest }: Kernel, { reads }: LaunchOfKernel): string {
  const scalars = (manifest.uniforms?.fields ?? []).filter(({ kind }) => kind === "scalar");
  const fields = [
    ...manifest.dims.map((dim) => `${rustName(dim.name)}: ${extentText(plan, dim.name, "parameters")}`),
    ...scalars.map((one) => `${rustName(one.name)}: parameters.${rustName(reads[one.name] as string)}`),
  ];
  return `${rustName(name)}::Parameters { ${fields.join(", ")} }`;
}

/** A buffer of the plan as an expression. */
function bufferText(plan: LaunchPlan, name: string): string {
  const slot = placesOf(plan).findIndex((list) => list.some((one) => one.name === name));
  return slot < 0 ? `buffers.${rustName(name)}` : `places[${slot}]`;
}

function launchText(plan: LaunchPlan, step: LaunchOfKernel, kernel: Kernel): string {
  const { bindings, uniforms } = kernel.manifest;
  const name = rustName(kernel.name);
  const bound = bindings.map(({ name, access }) =>
    bufferText(plan, (access === "read" ? step.reads : step.writes)[name] as string),
  );
  const resources = [...bound, ...(uniforms ? ["uniforms"] : [])].map((one) => `${one}.as_entire_binding()`);
  const written = uniforms ? "    let uniforms = uniform_buffer(device, queue, &own.to_bytes());\n" : "";
  return `{
    let own = ${ownParameters(plan, kernel, step)};
${written}    let group = self.${name}.bind(device, [${resources.join(", ")}]);
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    self.${name}.dispatch(&mut pass, &group, &own);
}`;
}

function productText(plan: LaunchPlan, step: LaunchOfOp, products: string): string {
  const { scalars } = argumentsOf(plan);
  const isNumber = (view: LaunchView) => scalars.includes(viewed(plan, view));
  const tensor = ([key, view]: readonly [string, LaunchView]) => {
    const text = bufferText(plan, view.buffer);
    const buffer = text.startsWith("places") ? `&${text}` : text;
    const shape = view.shape.map((dim) => extentText(plan, dim, "parameters")).join(", ");
    return `${products}::Tensor { name: "${key}", buffer: ${buffer}, element: "${viewed(plan, view).element}", shape: vec![${shape}] },`;
  };
  const number = ([key, view]: readonly [string, LaunchView]) => {
    const value = `parameters.${rustName(view.buffer)}`;
    return `("${key}", f64::from(${viewed(plan, view).element === "bool" ? `u32::from(${value})` : value})),`;
  };
  const vector = (list: readonly string[]) =>
    list.length === 0 ? "vec![]" : `vec![\n${indent(list.join("\n"), 2)}\n    ]`;
  const reads = Object.entries(step.reads);
  const attributes = JSON.stringify(JSON.stringify(step.attributes));
  return `products(encoder, &${products}::Product {
    op: "${step.opaque}",
    name: "${step.name}",
    attributes: ${attributes},
    reads: ${vector(reads.filter(([, view]) => !isNumber(view)).map(tensor))},
    numbers: ${vector(reads.filter(([, view]) => isNumber(view)).map(number))},
    writes: ${vector(Object.entries(step.writes).map(tensor))},
});`;
}
