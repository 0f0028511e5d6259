import { normalize, prepare } from "./normalize.tir";

const result = document.querySelector("#result");
const adapter = await navigator.gpu?.requestAdapter();
if (!adapter) {
  result.textContent = "This browser has no WebGPU.";
} else {
  const device = await adapter.requestDevice();
  const kernel = await prepare(device, normalize);

  const x = Float32Array.of(1, 2, 3, 4, 10, 20, 30, 80);
  const { y } = await kernel.run({ x }, { rows: 2, columns: 4 });
  result.textContent = y.join(" ");
}
