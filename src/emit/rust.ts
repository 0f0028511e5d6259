/**
 * Emits kernels as Rust for wgpu 24 and later: a module each, with the WGSL, the entries of its bind group layout, the bytes of
 * its uniform buffer, and a function that dispatches it.
 *
 * wgpu's types change with every major version. The emitted code compiles with all of them: it uses defaults where a
 * field was renamed, `into` where a list changed to options, and `const`s in the WGSL for extents that are pipeline
 * constants, as the type of the map of constants has changed.
 */

import { oneLine } from "../diagnostics/lines.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import { type Dim, elementInfo, printType } from "../ir/types.ts";
import { mostWorkgroups } from "../launch/counts.ts";
import { arrays } from "../launch/tensors.ts";
import { type Binding, type Kernel, type Manifest, type Parameter, parametersOf } from "../target/manifest.ts";
import { type CompiledKernels, partsOf } from "./plan-signature.ts";
import { hasProducts, planModule, productTypes } from "./rust-plan.ts";
import { indent, parametersStruct, rustName } from "./rust-syntax.ts";

/** The text of a Rust source file. @param source the name of the program, for the first line. */
export function emitRust(functions: readonly (Kernel | CompiledKernels)[], source: string): string {
  const first = `// Made by tirc from ${oneLine(source)}, for wgpu 24 and later. Changes to this file are lost.\n`;
  const { plans, kernels } = partsOf(functions);
  const names = new FreshNames([...kernels.map(({ name }) => name), ...plans.map(({ plan }) => plan.name)]);
  const products = names.next("products");
  const shared = plans.some(({ plan }) => hasProducts(plan)) ? [productTypes(products)] : [];
  return [first, ...shared, ...kernels.map(moduleText), ...plans.map((plan) => planModule(plan, products))].join("\n");
}

/** WebGPU's names of limits and features in the style of wgpu. */
const snake = (name: string) => name.replace(/(?<=[a-z])(?=[A-Z])|-/g, "_").toLowerCase();

const featureNames: Readonly<Record<string, string>> = { subgroups: "SUBGROUP" };
const featureOf = (name: string) => `wgpu::Features::${featureNames[name] ?? snake(name).toUpperCase()}`;

/** A product of extents as u64. */
const product = (shape: readonly Dim[]): string => {
  const factors = shape.map((dim) => (typeof dim === "number" ? `${dim}u64` : `u64::from(self.${rustName(dim)})`));
  return factors.length === 0 ? "1u64" : factors.join(" * ");
};

function moduleText(kernel: Kernel): string {
  const { name, wgsl, manifest } = kernel;
  const { bindings, uniforms } = manifest;
  const entries = [manifest, ...(manifest.variants ?? [])];
  const sizes = entries.map(({ workgroupSize }) => `[${workgroupSize.join(", ")}]`);
  const types = (list: readonly (Parameter | Binding)[]) =>
    list.map((one) => `${one.name}: ${printType(one)}`).join(", ");
  const results = bindings.filter(({ access }) => access === "read_write");
  const count = bindings.length + (uniforms === undefined ? 0 : 1);
  const items = [parametersText(kernel), layoutText(kernel, count), requirements(kernel), kernelText(kernel, count)];
  // The WGSL must not be indented.
  return `/// \`${name}(${types(parametersOf(manifest))})\` gives ${types(results)}.
#[allow(dead_code, non_snake_case)]
pub mod ${rustName(name)} {
    pub const WGSL: &str = ${rawString(wgsl)};
    /// The first is for all extents.
    pub const ENTRY_POINTS: [&str; ${entries.length}] = [${entries.map(({ entryPoint }) => `"${entryPoint}"`).join(", ")}];
    pub const WORKGROUP_SIZES: [[u32; 3]; ${entries.length}] = [${sizes.join(", ")}];

${indent(items.join("\n\n"), 1)}
}
`;
}

/** The size of a binding's array elements, in the entry point with the largest. */
const strideOf = ({ bindings, variants = [] }: Manifest, i: number) =>
  Math.max(4, bindings[i]?.stride ?? 0, ...variants.map(({ strides }) => strides[i] ?? 0));

/** The choice of the entry point, as in the launcher. */
function entryText({ dispatch, variants = [] }: Manifest): string {
  const rows = product(dispatch.rows);
  const choices = variants.map(({ dim, multipleOf, atLeast }, i) => {
    const extent = `self.${rustName(dim)}`;
    return `if ${rows} > 0 && ${extent} >= ${atLeast} && ${extent} % ${multipleOf} == 0 {\n    return ${i + 1};\n}`;
  });
  return [...choices, "0"].join("\n");
}

/** A raw string literal. In WGSL, `"` occurs only in comments. */
function rawString(text: string): string {
  const hashes = "#".repeat(1 + Math.max(0, ...[...text.matchAll(/"(#*)/g)].map(([, found]) => found?.length ?? 0)));
  return `r${hashes}"${text}"${hashes}`;
}

/** The extents and scalars of a call, and the values that are computed from them. */
function parametersText({ manifest, wgsl }: Kernel): string {
  const { dims, uniforms, bindings, dispatch, overrides, variants = [] } = manifest;
  const scalars = (uniforms?.fields ?? []).filter(({ kind }) => kind === "scalar");
  const fields = [
    ...dims.map(({ name }) => `/// The extent of the dimension \`${name}\`.\npub ${rustName(name)}: u32,`),
    ...scalars.map(({ name, element }) => {
      const note =
        elementInfo[element].bytes < 4 ? `: a number that ${/^[fi]/.test(element) ? "an" : "a"} ${element} holds` : "";
      return `/// ${element}${note}.\npub ${rustName(name)}: ${elementInfo[element].computed},`;
    }),
  ];
  const writes = (uniforms?.fields ?? []).map(({ name, element, kind }, i) => {
    const value = `self.${rustName(name)}`;
    const word = element === "bool" && kind === "scalar" ? `u32::from(${value})` : value;
    return `bytes[${4 * i}..${4 * i + 4}].copy_from_slice(&${word}.to_le_bytes());`;
  });
  const sizes = bindings.map(({ shape, element, name }, i) => {
    const bytes = arrays[element].BYTES_PER_ELEMENT;
    return `(${product(shape)} * ${bytes}).div_ceil(4).max(${strideOf(manifest, i) / 4}) * 4, // ${name}`;
  });
  const perWorkgroup = [dispatch, ...variants].map(({ rowsPerWorkgroup }) => rowsPerWorkgroup);
  const per = perWorkgroup.length > 1 ? `[${perWorkgroup.join(", ")}][self.entry()]` : `${dispatch.rowsPerWorkgroup}`;
  const least = dispatch.atLeastOne ? ".max(1)" : "";
  const constants = overrides.map(({ dim, constant }) => {
    const declared = new RegExp(`override\\s+${constant}\\s*:\\s*u32;`).exec(wgsl)?.[0];
    if (declared === undefined) throw new Error(`the WGSL declares no override ${constant}`);
    return `.replace("${declared}", &format!("const ${constant}: u32 = {}u;", self.${rustName(dim)}))`;
  });
  const text = constants.length === 0 ? "WGSL.to_string()" : `WGSL\n    ${constants.join("\n    ")}`;
  return `${parametersStruct(fields)}    /// What the uniform buffer holds.
    pub fn to_bytes(&self) -> [u8; ${uniforms?.size ?? 0}] {
        ${writes.length > 0 ? "let mut bytes" : "let bytes"} = [0; ${uniforms?.size ?? 0}];
${indent(writes.join("\n"), 2)}
        bytes
    }

    /// Bytes of the storage buffers, in the order of the bindings.
    pub fn sizes(&self) -> [u64; ${bindings.length}] {
        [
${indent(sizes.join("\n"), 3)}
        ]
    }

    /// The entry point for these extents, by its place in \`ENTRY_POINTS\`.
    pub fn entry(&self) -> usize {
${indent(entryText(manifest), 2)}
    }

    /// Workgroups in x and y.
    pub fn workgroups(&self) -> [u32; 2] {
        let rows: u64 = ${product(dispatch.rows)};
        let count = rows.div_ceil(${per})${least};
        let y = count.div_ceil(${mostWorkgroups}).max(1);
        [count.div_ceil(y) as u32, y as u32]
    }

    /// The text, with the extents that are constants of the pipeline.
    pub fn wgsl(&self) -> String {
        ${indent(text, 2).trimStart()}
    }
}`;
}

function layoutText({ manifest }: Kernel, count: number): string {
  const { bindings, uniforms } = manifest;
  const entries = bindings.map(({ binding, access, name }, i) => {
    const type = `wgpu::BufferBindingType::Storage { read_only: ${access === "read"} }`;
    return `entry(${binding}, ${type}, ${strideOf(manifest, i)}), // ${name}`;
  });
  if (uniforms) entries.push(`entry(${uniforms.binding}, wgpu::BufferBindingType::Uniform, ${uniforms.size}),`);
  return `/// The entries of the layout of bind group 0.
pub fn layout_entries() -> [wgpu::BindGroupLayoutEntry; ${count}] {
    [
${indent(entries.join("\n"), 2)}
    ]
}

fn entry(binding: u32, ty: wgpu::BufferBindingType, size: u64) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: std::num::NonZeroU64::new(size),
        },
        count: None,
    }
}`;
}

function requirements({ manifest: { requiredFeatures, requiredLimits } }: Kernel): string {
  const features = requiredFeatures.map(featureOf).join(" | ") || "wgpu::Features::empty()";
  const limits = Object.entries(requiredLimits).map(([name, value]) => {
    const limit = `limits.${snake(name)}`;
    return `${limit} = ${limit}.max(${value});`;
  });
  const given = limits.length > 0 ? "mut limits" : "limits";
  return `/// What the device must be requested with.
pub fn required_features() -> wgpu::Features {
    ${features}
}

/// \`limits\`, raised to what the kernel needs.
pub fn required_limits(${given}: wgpu::Limits) -> wgpu::Limits {
${indent([...limits, "limits"].join("\n"), 1)}
}`;
}

function kernelText({ name, manifest: { overrides, variants = [] } }: Kernel, count: number): string {
  const takes = overrides.length > 0 ? ", parameters: &Parameters" : "";
  const code = overrides.length > 0 ? "parameters.wgsl().into()" : "WGSL.into()";
  return `/// The kernel on a device.
pub struct Kernel {
    pub layout: wgpu::BindGroupLayout,
    /// One for each of \`ENTRY_POINTS\`.
    pub pipelines: [wgpu::ComputePipeline; ${1 + variants.length}],
}

impl Kernel {
    pub fn new(device: &wgpu::Device${takes}) -> Self {
        let label = Some("${name}");
        let entries = layout_entries();
        let descriptor = wgpu::BindGroupLayoutDescriptor { label, entries: &entries };
        let layout = device.create_bind_group_layout(&descriptor);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[(&layout).into()],
            ..Default::default()
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label,
            source: wgpu::ShaderSource::Wgsl(${code}),
        });
        let pipelines = ENTRY_POINTS.map(|entry_point| {
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label,
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(entry_point),
                compilation_options: Default::default(),
                cache: None,
            })
        });
        Self { layout, pipelines }
    }

    /// The buffers are in the order of the bindings, the uniform buffer last.
    pub fn bind(&self, device: &wgpu::Device, buffers: [wgpu::BindingResource<'_>; ${count}]) -> wgpu::BindGroup {
        let mut binding = 0;
        let entries = buffers.map(|resource| {
            binding += 1;
            wgpu::BindGroupEntry { binding: binding - 1, resource }
        });
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("${name}"),
            layout: &self.layout,
            entries: &entries,
        })
    }

    /// Dispatches it in a compute pass, with bind group 0.
    pub fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, group: &wgpu::BindGroup, parameters: &Parameters) {
        let [x, y] = parameters.workgroups();
        pass.set_pipeline(&self.pipelines[parameters.entry()]);
        pass.set_bind_group(0, group, &[]);
        pass.dispatch_workgroups(x, y, 1);
    }
}`;
}
