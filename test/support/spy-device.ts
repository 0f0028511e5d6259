/** A device that records calls, and can be made to fail. */

export interface Spied {
  readonly device: GPUDevice;
  readonly created: GPUBuffer[];
  readonly destroyed: GPUBuffer[];
  submits: number;
  dispatches: number;
}

type Replaced = { [K in keyof GPUDevice]?: unknown };

/** `device` with its calls counted; `replaced` stands in for members of it. */
export function spyOn(device: GPUDevice, replaced: Replaced = {}): Spied {
  const spied: Spied = { device: device, created: [], destroyed: [], submits: 0, dispatches: 0 };
  const createBuffer = (descriptor: GPUBufferDescriptor) => {
    const buffer = device.createBuffer(descriptor);
    spied.created.push(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      spied.destroyed.push(buffer);
      return destroy();
    };
    return buffer;
  };
  const createCommandEncoder = (descriptor?: GPUCommandEncoderDescriptor) => {
    const encoder = device.createCommandEncoder(descriptor);
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (passDescriptor) => {
      const pass = beginComputePass(passDescriptor);
      const dispatch = pass.dispatchWorkgroups.bind(pass);
      pass.dispatchWorkgroups = (...counts) => {
        spied.dispatches += 1;
        return dispatch(...counts);
      };
      return pass;
    };
    return encoder;
  };
  const submit = (buffers: Iterable<GPUCommandBuffer>) => {
    spied.submits += 1;
    return device.queue.submit(buffers);
  };
  const queue = forward(device.queue, { submit });
  return Object.assign(spied, { device: forward(device, { createBuffer, createCommandEncoder, queue, ...replaced }) });
}

/** An object of the platform with some members replaced; its methods keep their `this`. */
function forward<T extends object>(target: T, replaced: object): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name as keyof typeof replaced];
      const member = target[name as keyof T];
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
