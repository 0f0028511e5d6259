/**
 * Runs what `tirc extract model.onnx -o FOLDER --cut` wrote: onnxruntime-web computes the pieces, tirc's kernels the norms
 * between them, and they pass each other buffers of one device, `ort.env.webgpu.device` of onnxruntime-web/webgpu.
 *
 *   const run = await openPlan(ort, device, (name) => fetch(`FOLDER/${name}`).then((got) => got.arrayBuffer()));
 *   const { logits } = await run({ ids: new ort.Tensor("int64", ids, [1, 8]) });
 *   logits.gpuBuffer; // with logits.dims
 */
const product = (extents) => extents.reduce((all, extent) => all * extent, 1);

export async function openPlan(ort, device, read) {
  const text = async (name) => new TextDecoder().decode(await read(name));
  const usage = 128 | 64 | 8 | 4; // STORAGE | UNIFORM | COPY_DST | COPY_SRC
  const create = (size) => device.createBuffer({ size: Math.max(16, Math.ceil(size / 16) * 16), usage });
  const upload = (data, buffer = create(data.byteLength)) => {
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  const [plan, weights] = [JSON.parse(await text("plan.json")), upload(await read("weights.bin"))];

  async function openPiece({ run, inputs, outputs }) {
    // Integers of 64 bits are extents, which onnxruntime computes on the processor.
    const place = (name) => (/^(float|bool)/.test(plan.tensors[name].type) ? "gpu-buffer" : "cpu");
    const session = await ort.InferenceSession.create(new Uint8Array(await read(run)), {
      executionProviders: ["webgpu"],
      preferredOutputLocation: Object.fromEntries(outputs.map((name) => [name, place(name)])),
    });
    return (tensors) => session.run(Object.fromEntries(inputs.map((name) => [name, tensors[name]])));
  }

  async function openKernel({ kernel, inputs, outputs }) {
    const { bindings, uniforms, overrides, dispatch, entryPoint, ...names } = JSON.parse(await text(`${kernel}.json`));
    const module = device.createShaderModule({ code: await text(`${kernel}.wgsl`) });
    const shapes = Object.fromEntries(bindings.map(({ name, shape }) => [names.tensors[name], shape]));
    const pipelines = {};
    return (tensors) => {
      const dims = {};
      for (const name of inputs) for (const [i, dim] of shapes[name].entries()) dims[dim] = tensors[name].dims[i];
      const extents = (shape) => shape.map((dim) => dims[dim] ?? dim);
      const made = outputs.map((name) => {
        const options = { dataType: plan.tensors[name].type, dims: extents(shapes[name]) };
        const buffer = create(4 * product(options.dims));
        return [name, ort.Tensor.fromGpuBuffer(buffer, { ...options, dispose: () => buffer.destroy() })];
      });
      const all = { ...tensors, ...Object.fromEntries(made) };
      const resource = ({ name, constant, fields }) => {
        if (fields) return { buffer: upload(Uint32Array.from(extents(fields))) };
        if (constant) return { buffer: weights, ...plan.weights[names.weights[name]] };
        const tensor = all[names.tensors[name]];
        return { buffer: tensor.location === "gpu-buffer" ? tensor.gpuBuffer : upload(tensor.data) };
      };
      const entries = [bindings, uniforms ?? []]
        .flat()
        .map((one) => ({ binding: one.binding, resource: resource(one) }));
      const constants = Object.fromEntries(overrides.map(({ constant, dim }) => [constant, dims[dim]]));
      const key = JSON.stringify(constants);
      pipelines[key] ??= device.createComputePipeline({ layout: "auto", compute: { module, entryPoint, constants } });
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipelines[key]);
      pass.setBindGroup(0, device.createBindGroup({ layout: pipelines[key].getBindGroupLayout(0), entries }));
      const count = Math.ceil(product(extents(dispatch.rows)) / dispatch.rowsPerWorkgroup);
      pass.dispatchWorkgroups(Math.min(count, 65535), Math.ceil(count / 65535));
      pass.end();
      device.queue.submit([encoder.finish()]);
      return Object.fromEntries(made);
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
