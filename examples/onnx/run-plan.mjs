/**
 * Runs the output of `tirc extract model.onnx -o FOLDER --cut`: onnxruntime-web computes the pieces and tirc's kernels
 * the norms between them. They exchange buffers of one device, `ort.env.webgpu.device` of onnxruntime-web/webgpu.
 *
 *   const run = await openPlan(ort, device, (name) => fetch(`FOLDER/${name}`).then((got) => got.arrayBuffer()));
 *   const { logits } = await run({ ids: new ort.Tensor("int64", ids, [1, 8]) });
 *   logits.gpuBuffer; // with logits.dims
 */
import { prepare } from "tirc/runtime";

const product = (extents) => extents.reduce((all, extent) => all * extent, 1);

export async function openPlan(ort, device, read) {
  const text = async (name) => new TextDecoder().decode(await read(name));
  const usage = 128 | 64 | 8 | 4; // STORAGE | UNIFORM | COPY_DST | COPY_SRC
  const create = (size) => device.createBuffer({ size: Math.max(16, Math.ceil(size / 16) * 16), usage });
  const upload = (data, buffer = create(data.byteLength)) => {
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  const [plan, bytes] = [JSON.parse(await text("plan.json")), await read("weights.bin")];
  const weights = upload(bytes);

  async function openPiece({ run, inputs, outputs }) {
    // 64-bit integers are extents, which onnxruntime computes on the CPU.
    const place = (name) => (/^(float|bool)/.test(plan.tensors[name].type) ? "gpu-buffer" : "cpu");
    const session = await ort.InferenceSession.create(new Uint8Array(await read(run)), {
      executionProviders: ["webgpu"],
      preferredOutputLocation: Object.fromEntries(outputs.map((name) => [name, place(name)])),
    });
    return (tensors) => session.run(Object.fromEntries(inputs.map((name) => [name, tensors[name]])));
  }

  async function openKernel({ kernel, inputs, outputs }) {
    const manifest = JSON.parse(await text(`${kernel}.json`));
    const { bindings, uniforms, tensors: names, weights: constants } = manifest;
    const prepared = await prepare(device, { name: kernel, wgsl: await text(`${kernel}.wgsl`), manifest });
    const scalars = (uniforms?.fields ?? []).filter(({ kind }) => kind === "scalar");
    const shapes = Object.fromEntries(bindings.map(({ name, shape }) => [names[name], shape]));
    const numberIn = (bytes, { element }) => new (element === "i32" ? Int32Array : Float32Array)(bytes, 0, 1)[0];
    return async (tensors) => {
      const dims = {};
      for (const name of inputs)
        for (const [i, dim] of (shapes[name] ?? []).entries()) dims[dim] = tensors[name].dims[i];
      const extents = (shape) => shape.map((dim) => dims[dim] ?? dim);
      const named = Object.fromEntries(manifest.dims.map(({ name }) => [name, dims[name]]));
      const given = {};
      for (const { name, access, constant } of bindings) {
        const tensor = tensors[names[name]];
        if (constant) given[name] = { buffer: weights, ...plan.weights[constants[name]] };
        else if (access === "read") given[name] = tensor.location === "gpu-buffer" ? tensor.gpuBuffer : tensor.data;
        else given[name] = create(4 * product(extents(shapes[names[name]])));
      }
      for (const { name, element, constant } of scalars) {
        const { offset } = constant ? plan.weights[constants[name]] : {};
        given[name] = constant
          ? numberIn(bytes.slice(offset, offset + 4), { element })
          : (await tensors[names[name]].getData())[0];
      }
      const bound = prepared.bind(given, named);
      const encoder = device.createCommandEncoder();
      bound.encode(encoder);
      device.queue.submit([encoder.finish()]);
      bound.destroy();
      const made = bindings.filter(({ name }) => outputs.includes(names[name]));
      return Object.fromEntries(
        made.map(({ name }) => {
          const [buffer, tensor] = [given[name], names[name]];
          const options = { dataType: plan.tensors[tensor].type, dims: extents(shapes[tensor]) };
          return [tensor, ort.Tensor.fromGpuBuffer(buffer, { ...options, dispose: () => buffer.destroy() })];
        }),
      );
    };
  }

  const steps = [];
  for (const step of plan.steps) steps.push(await ("run" in step ? openPiece(step) : openKernel(step)));
  return async (feeds) => {
    const tensors = { ...feeds };
    for (const [i, { frees }] of plan.steps.entries()) {
      Object.assign(tensors, await steps[i](tensors));
      for (const name of frees) tensors[name].dispose();
    }
    return Object.fromEntries(plan.outputs.map((name) => [name, tensors[name]]));
  };
}
