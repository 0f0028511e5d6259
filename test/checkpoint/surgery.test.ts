/** The surgery of checkpoints: what it writes, what stays byte for byte, and that hostile files do no harm. */

import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { checkpointSurgery } from "../../src/checkpoint/surgery.ts";
import { templates } from "../../src/checkpoint/templates.ts";
import { checkpointFiles } from "../../src/checkpoint/write.ts";
import { type ByteSource, bytesInMemory } from "../../src/onnx/bytes.ts";
import type { Piece } from "../../src/onnx/write.ts";
import { gpt2Config, gpt2Files, gpt2Shapes, weights } from "../support/checkpoint.ts";
import { Workplace } from "../support/cli.ts";
import { type Stored, safetensors } from "../support/safetensors.ts";

/** The tensors of a file, read by its description alone. */
function tensorsIn(bytes: Buffer): Map<string, { shape: number[]; numbers: Float32Array; at: number }> {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  delete header.__metadata__;
  return new Map(
    Object.entries(header as Record<string, { shape: number[]; data_offsets: [number, number] }>).map(
      ([
        name,
        {
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const part = bytes.subarray(8 + length + from, 8 + length + to);
        return [name, { shape, numbers: new Float32Array(new Uint8Array(part).buffer), at: 8 + length + from }];
      },
    ),
  );
}

/** The rows of `[rows, columns]` without their means; down the columns where `axis` is 0. */
function centered(numbers: Float32Array, shape: readonly number[], axis: number): Float32Array {
  const [rows, columns] = shape.length === 1 ? [1, shape[0] as number] : (shape as [number, number]);
  const along = shape.length === 1 ? 1 : axis;
  const mean = (i: number, j: number) => {
    const count = along === 1 ? columns : rows;
    let sum = 0;
    for (let k = 0; k < count; k++) sum += numbers[along === 1 ? i * columns + k : k * columns + j] as number;
    return sum / count;
  };
  return numbers.map((value, at) => value - mean(Math.floor(at / columns), at % columns));
}

const surgery = (place: Workplace, ...more: string[]) => place.run(["surgery", "gpt2", "-o", "out", ...more]);

/** GPT-2 whose products have biases, and both read the norms before them. */
function withReaders(): ReturnType<typeof weights> {
  const more = [0, 1].flatMap((i) => {
    const at = `transformer.h.${i}`;
    return [
      [`${at}.attn.c_attn.bias`, [18]],
      [`${at}.mlp.c_fc.weight`, [6, 24]],
      [`${at}.mlp.c_fc.bias`, [24]],
    ] as const;
  });
  return weights({ ...gpt2Shapes(), ...Object.fromEntries(more) });
}

describe("--fold gamma,beta", () => {
  test("puts them into the products that read the norms, each number rounded once", async () => {
    const place = new Workplace(gpt2Files(gpt2Config, withReaders()));
    const { code, stdout } = await surgery(place, "--fold", "gamma,beta");
    expect(code).toBe(0);
    expect(stdout).toContain("4 gammas and 4 betas folded into the products that read the norms\n");
    expect(stdout).toContain("exact, up to the rounding of 18 weights");
    const before = tensorsIn(place.bytes("gpt2/model.safetensors"));
    const after = tensorsIn(place.bytes("out/model.safetensors"));
    const was = (name: string) => before.get(name)?.numbers as Float32Array;
    const is = (name: string) => after.get(name)?.numbers;
    for (const at of ["transformer.h.0", "transformer.h.1"]) {
      for (const [norm, product] of [
        [`${at}.ln_1`, `${at}.attn.c_attn`],
        [`${at}.ln_2`, `${at}.mlp.c_fc`],
      ] as const) {
        const [gamma, beta] = [was(`${norm}.weight`), was(`${norm}.bias`)];
        const [weight, bias] = [was(`${product}.weight`), was(`${product}.bias`)];
        const width = bias.length;
        const scaled = weight.map((w, i) => w * (gamma[Math.floor(i / width)] as number));
        // In float64, and rounded at the end.
        const shifted = bias.map(
          (c, j) => beta.reduce((sum, b, i) => sum + b * (weight[i * width + j] as number), 0) + c,
        );
        expect(is(`${norm}.weight`)).toEqual(new Float32Array(6).fill(1));
        expect(is(`${norm}.bias`)).toEqual(new Float32Array(6));
        expect(is(`${product}.weight`)).toEqual(scaled);
        expect(is(`${product}.bias`)).toEqual(shifted);
      }
    }
    // The head has no bias for the last norm's beta.
    for (const name of ["weight", "bias"])
      expect(is(`transformer.ln_f.${name}`)).toEqual(was(`transformer.ln_f.${name}`));
    const { stdout: again } = await place.run(["surgery", "out", "-o", "again", "--fold", "gamma,beta"]);
    expect(again).toContain("4 gammas and 4 betas folded");
    for (const name of ["config.json", "model.safetensors"]) {
      expect(place.bytes(`again/${name}`).equals(place.bytes(`out/${name}`)), name).toBe(true);
    }
  });

  test.each([
    ["a beta stays", "gamma", withReaders()],
    ["a product has no bias for beta", "gamma,beta", weights(gpt2Shapes())],
    [
      "another matrix of the block may read the norm",
      "gamma,beta",
      {
        ...withReaders(),
        ...weights({ "transformer.h.0.adapter.weight": [6, 6], "transformer.h.1.adapter.weight": [2, 6] }),
      },
    ],
  ])("gamma stays where %s", async (_, fold, tensors) => {
    const place = new Workplace(gpt2Files(gpt2Config, tensors));
    const { code, stdout } = await surgery(place, "--fold", fold);
    expect(code).toBe(0);
    expect(stdout).not.toContain("folded");
    const [before, after] = ["gpt2", "out"].map((name) => tensorsIn(place.bytes(`${name}/model.safetensors`)));
    for (const name of [
      "transformer.h.0.ln_1.weight",
      "transformer.h.0.ln_1.bias",
      "transformer.h.0.attn.c_attn.weight",
    ]) {
      expect(after?.get(name)?.numbers, name).toEqual(before?.get(name)?.numbers);
    }
  });

  test("a product that is too large for f16 is refused, and nothing is left", async () => {
    const half = ({ shape }: Stored, bits: number): Stored => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      return { dtype: "F16", shape, bytes: new Uint8Array(new Uint16Array(count).fill(bits).buffer) };
    };
    const large = 0x7800; // 32768, and 4.
    const tensors = Object.entries(withReaders()).map(([name, tensor]) => {
      return [name, half(tensor, name.endsWith("c_fc.weight") ? large : 0x4400)] as const;
    });
    const place = new Workplace(gpt2Files(gpt2Config, Object.fromEntries(tensors)));
    const { code, stderr } = await surgery(place, "--fold", "gamma,beta");
    expect(code).not.toBe(0);
    expect(stderr).toContain("error[E0796]");
    expect(existsSync(join(place.folder, "out/model.safetensors"))).toBe(false);
  });

  test("a centering is in no folder", async () => {
    const { code, stderr } = await surgery(new Workplace(gpt2Files()), "--fold", "gamma,center");
    expect(code).not.toBe(0);
    expect(stderr).toContain("`--fold`");
  });
});

describe("GPT-2", () => {
  test("weights that are added to the stream are centered, all else is as it was", async () => {
    const place = new Workplace(gpt2Files());
    const { code, stdout, stderr } = await surgery(place);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("5 LayerNorms: 5 can be RMSNorms\n10 weights centered");
    expect(stdout).toContain("exact, up to the rounding of 10 weights");
    const before = tensorsIn(place.bytes("gpt2/model.safetensors"));
    const after = tensorsIn(place.bytes("out/model.safetensors"));
    expect([...after.keys()]).toEqual([...before.keys(), "lm_head.weight"]);
    for (const [name, { shape, numbers }] of before) {
      // A Conv1D of GPT-2 writes along its last axis, as tables and biases do.
      const isWritten = /wte|wpe|c_proj/.test(name);
      const wanted = isWritten ? centered(numbers, shape, 1) : numbers;
      expect(after.get(name)?.numbers, name).toEqual(wanted);
    }
    expect(after.get("lm_head.weight")?.numbers).toEqual(before.get("transformer.wte.weight")?.numbers);
    expect(place.read("out/tokenizer.json")).toBe(place.read("gpt2/tokenizer.json"));
  });

  test("the configuration stays as it is written, but for what is said", async () => {
    const place = new Workplace(gpt2Files());
    await surgery(place);
    const names = ["h.0.ln_1", "h.0.ln_2", "h.1.ln_1", "h.1.ln_2", "ln_f"].map((name) => `    "transformer.${name}"`);
    const wanted = gpt2Config
      .replace('"tie_word_embeddings": true', '"tie_word_embeddings": false')
      .replace('"vocab_size": 11\n}', `"vocab_size": 11,\n  "rms_norms": [\n${names.join(",\n")}\n  ]\n}`);
    expect(place.read("out/config.json")).toBe(wanted);
  });

  test("a second surgery changes nothing", async () => {
    const place = new Workplace(gpt2Files());
    await surgery(place);
    const { stdout } = await place.run(["surgery", "out", "-o", "again"]);
    expect(stdout).toContain("5 LayerNorms: 5 can be RMSNorms");
    for (const name of ["config.json", "model.safetensors", "tokenizer.json"]) {
      expect(place.bytes(`again/${name}`).equals(place.bytes(`out/${name}`)), name).toBe(true);
    }
  });

  test("--keep-tied leaves the table, and the norms whose stream begins with it", async () => {
    const place = new Workplace(gpt2Files());
    const { stdout } = await surgery(place, "--keep-tied");
    expect(stdout).toContain("5 LayerNorms: 0 can be RMSNorms, 5 need their means");
    expect(place.bytes("out/model.safetensors").equals(place.bytes("gpt2/model.safetensors"))).toBe(true);
    expect(place.read("out/config.json")).toBe(gpt2Config);
  });

  test("a head of its own is no reason for a copy", async () => {
    const config = gpt2Config.replace("true", "false");
    const own = weights({ ...gpt2Shapes(), "lm_head.weight": [11, 6] });
    const place = new Workplace(gpt2Files(config, own));
    const { stdout } = await surgery(place);
    expect(stdout).not.toContain("copy");
    const [before, after] = ["gpt2", "out"].map((name) => tensorsIn(place.bytes(`${name}/model.safetensors`)));
    expect(after?.get("lm_head.weight")?.numbers).toEqual(before?.get("lm_head.weight")?.numbers);
  });

  test("a body without its head: names without a prefix, and no copy", async () => {
    const config = gpt2Config.replace("GPT2LMHeadModel", "GPT2Model");
    const place = new Workplace(gpt2Files(config, weights(gpt2Shapes(""))));
    const { stdout } = await surgery(place);
    expect(stdout).toContain("5 LayerNorms: 5 can be RMSNorms");
    expect(stdout).not.toContain("copy");
  });

  test.each(["GPT2DoubleHeadsModel", "MyOwnGPT"])("%s has a head that is tied, as far as is known", async (name) => {
    const place = new Workplace(gpt2Files(gpt2Config.replace("GPT2LMHeadModel", name)));
    expect((await surgery(place)).stdout).toContain("the head uses an uncentered copy (");
  });

  test("what another model's rows add is centered too", async () => {
    const own = [0, 1].flatMap((i) => {
      const at = `transformer.h.${i}`;
      return [
        [`${at}.ln_cross_attn.weight`, [6]],
        [`${at}.ln_cross_attn.bias`, [6]],
        [`${at}.crossattention.c_proj.weight`, [6, 6]],
        [`${at}.crossattention.c_proj.bias`, [6]],
      ] as const;
    });
    const place = new Workplace(gpt2Files(gpt2Config, weights({ ...gpt2Shapes(), ...Object.fromEntries(own) })));
    expect((await surgery(place)).stdout).toContain("7 LayerNorms: 7 can be RMSNorms\n14 weights centered");
  });

  test("shards keep their tensors, and the index gets the copy", async () => {
    const tensors = Object.entries(weights(gpt2Shapes()));
    const parts = [tensors.slice(0, 7), tensors.slice(7)].map((part) => Object.fromEntries(part));
    const map = parts.flatMap((part, i) => Object.keys(part).map((name) => [name, `part-${i}.safetensors`]));
    const size = tensors.reduce((sum, [, { bytes }]) => sum + bytes.length, 0);
    const index = { metadata: { total_size: size }, weight_map: Object.fromEntries(map) };
    const { "gpt2/model.safetensors": whole, ...others } = gpt2Files();
    const place = new Workplace({
      ...others,
      "gpt2/part-0.safetensors": safetensors(parts[0] as Record<string, Stored>),
      "gpt2/part-1.safetensors": safetensors(parts[1] as Record<string, Stored>),
      "gpt2/model.safetensors.index.json": JSON.stringify(index, null, 2),
    });
    const { code, stderr } = await surgery(place);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const one = new Workplace({ "gpt2/model.safetensors": whole, ...others });
    await surgery(one);
    const wanted = tensorsIn(one.bytes("out/model.safetensors"));
    const got = [0, 1].flatMap((i) => [...tensorsIn(place.bytes(`out/part-${i}.safetensors`))]);
    expect(got.length).toBe(wanted.size);
    for (const [name, { numbers }] of got) expect(numbers, name).toEqual(wanted.get(name)?.numbers);
    const written = JSON.parse(place.read("out/model.safetensors.index.json"));
    expect(written.weight_map["lm_head.weight"]).toBe("part-0.safetensors");
    expect(written.metadata.total_size).toBe(size + 11 * 6 * 4);
  });

  test("explain-norms and import show what the surgery is decided by", async () => {
    const place = new Workplace({ ...gpt2Files(), "programs/other.tir": "" });
    const { stdout } = await place.run(["explain-norms", "gpt2"]);
    expect(stdout).toMatch(/^5 LayerNorms: 5 can be RMSNorms\ntransformer\.h\.0\.ln_1 +can be rmsnorm/);
    await place.run(["import", "gpt2", "-o", "programs/gpt2.tir"]);
    const norms = await place.run(["explain-norms", "programs/gpt2.tir"]);
    expect(norms.stdout.match(/ folded$/gm)).toHaveLength(5);
    const check = await place.run([
      "compile",
      "programs/gpt2.tir",
      "--emit",
      "tir",
      "--weights-out",
      "programs/new.safetensors",
    ]);
    expect(check.code, check.stderr).toBe(0);
  });
});

describe("what cannot be", () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string | Uint8Array>>, string, string])[] = [
    ["no configuration", { "gpt2/x": "" }, "E0790", "it has no config.json"],
    ["pickles", { "gpt2/config.json": gpt2Config, "gpt2/pytorch_model.bin": "" }, "E0790", "save_pretrained"],
    ["no weights", { "gpt2/config.json": gpt2Config }, "E0790", "it has no model.safetensors"],
    ["no JSON", gpt2Files("{"), "E0791", "it is not valid JSON"],
    ["a list", gpt2Files("[]"), "E0791", "it is not a JSON object"],
    ["no model_type", gpt2Files("{}"), "E0791", "it has no `model_type`"],
    ["another model", gpt2Files(gpt2Config.replace('"gpt2"', '"gpt-2"')), "E0792", "did you mean `gpt2`?"],
    ["a property of every object", gpt2Files(gpt2Config.replace('"gpt2"', '"constructor"')), "E0792", "templates for"],
    ["a number of layers that is none", gpt2Files(gpt2Config.replace(": 2,", ": 1e9,")), "E0791", "n_layer"],
    [
      "more layers than weights",
      gpt2Files(gpt2Config.replace(": 2,", ": 3,")),
      "E0793",
      "`transformer.h.2.ln_1.weight`",
    ],
    ["a key twice", gpt2Files(gpt2Config.replace("{", '{"n_layer": 1,')), "E0791", "has the key `n_layer` twice"],
    ["an eps that is none", gpt2Files(gpt2Config.replace("1e-05", '"1e-5"')), "E0791", "layer_norm_epsilon"],
    [
      "quantized weights",
      gpt2Files(gpt2Config, {
        ...weights(gpt2Shapes()),
        "transformer.wte.weight": { dtype: "I8", shape: [11, 6], bytes: new Uint8Array(66) },
      }),
      "E0793",
      "quantized weights cannot be centered",
    ],
    [
      "weights that are cut off",
      { ...gpt2Files(), "gpt2/model.safetensors": "short" },
      "E0660",
      "shorter than 8 bytes",
    ],
    [
      "an index that leads out of the folder",
      { ...gpt2Files(), "gpt2/model.safetensors.index.json": '{ "weight_map": { "a": "../f.safetensors" } }' },
      "E0794",
      "../f.safetensors",
    ],
    [
      "an index without a map",
      { ...gpt2Files(), "gpt2/model.safetensors.index.json": "{}" },
      "E0794",
      "it has no object `weight_map`",
    ],
  ];

  test.each(cases)("%s", async (_, files, wanted, said) => {
    const place = new Workplace(files);
    const before = place.files();
    const { code, stderr } = await surgery(place);
    expect(stderr).toContain(wanted);
    expect(stderr).toContain(said);
    expect(code).toBe(1);
    expect(place.files()).toEqual(before);
  });

  test("a link that leads out of the folder", async () => {
    const { "gpt2/model.safetensors": whole, ...others } = gpt2Files();
    const place = new Workplace({ ...others, "secret.safetensors": whole });
    symlinkSync(join(place.folder, "secret.safetensors"), join(place.folder, "gpt2/model.safetensors"));
    const { stderr } = await surgery(place);
    expect(stderr).toContain("which is not in the model's folder");
    expect(place.files()).not.toContain("out");
  });

  test("a folder that is not empty, a file in its place, and options of a graph", async () => {
    const place = new Workplace({ ...gpt2Files(), "full/x": "", file: "" });
    expect((await place.run(["surgery", "gpt2", "-o", "full"])).stderr).toContain("E0795");
    expect((await place.run(["surgery", "gpt2", "-o", "gpt2"])).stderr).toContain("E0795");
    expect((await place.run(["surgery", "gpt2", "-o", "file"])).stderr).toContain("E0641");
    expect((await place.run(["surgery", "gpt2", "--check"])).stderr).toContain("no graph that could be changed or run");
    expect((await place.run(["explain-norms", "gpt2", "--mode", "lossy"])).stderr).toContain("E0709");
    mkdirSync(join(place.folder, "empty"));
    expect((await place.run(["surgery", "gpt2", "-o", "empty"])).code).toBe(0);
  });

  test("a weight with a NaN, of which no mean can be taken off", async () => {
    const tensors = weights(gpt2Shapes());
    new DataView((tensors["transformer.wpe.weight"] as Stored).bytes.buffer).setFloat32(0, Number.NaN, true);
    const place = new Workplace(gpt2Files(gpt2Config, tensors));
    const before = place.files();
    const { code, stderr } = await surgery(place);
    expect(stderr).toContain("E0671");
    expect(code).toBe(1);
    expect(place.files(), "half of a checkpoint").toEqual(before);
  });
});

interface Held {
  readonly layerNorms: number;
  readonly rmsNorms: number;
  readonly meanIsZero: number;
  readonly off: number;
  readonly offWithRmsNorms: number;
  readonly offWhenFolded: number;
  readonly plainWhenFolded: number;
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

test("the page of checkpoints counts the models, and says how far they are off at most", () => {
  const { models } = JSON.parse(readFileSync("test/checkpoint/results.json", "utf8")) as {
    models: Record<string, Held>;
  };
  const page = readFileSync("docs/checkpoints.md", "utf8");
  expect(Object.keys(models)).toHaveLength(52);
  expect(page).toContain("makes 52 models");
  const wide = Object.entries(models).filter(([name]) => !name.includes("f16"));
  const worst = Math.max(...wide.flatMap(([, held]) => [held.off, held.offWithRmsNorms, held.offWhenFolded]));
  const said = Number(/differ by (\S+) of the largest number/.exec(page)?.[1]);
  expect(worst).toBeLessThanOrEqual(said);
  expect(said).toBeLessThanOrEqual(2 * worst);
});

test("the page of checkpoints has each architecture of which there is a template", () => {
  const page = readFileSync("docs/checkpoints.md", "utf8");
  const table = page.split("\n").filter((line) => line.startsWith("| `") && !line.includes("`model_type`"));
  const named = table.flatMap((line) =>
    [...(line.split("|")[1] as string).matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(named.sort()).toEqual(Object.keys(templates).sort());
});

test("one tensor is in memory at a time: each is read when its place in the file is asked for", () => {
  const files = new Map(
    Object.entries(gpt2Files()).map(([path, content]) => {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      return [path.replace("gpt2/", ""), bytes];
    }),
  );
  const reads: number[] = [];
  const open = (name: string): ByteSource => {
    const source = bytesInMemory(name, files.get(name) as Uint8Array);
    const read = (start: number, length: number) => {
      if (name.endsWith(".safetensors")) reads.push(length);
      return source.read(start, length);
    };
    return { ...source, read };
  };
  const checkpoint = openCheckpoint({ name: "gpt2", files: [...files.keys()], open });
  const result = checkpointSurgery(checkpoint);
  reads.length = 0;
  const shard = checkpointFiles(checkpoint, result, () => {}).find(({ name }) => name === "model.safetensors");
  expect(reads).toEqual([]);
  const pieces = shard?.pieces[Symbol.iterator]() as Iterator<Piece>;
  // The header, whose length and text are two reads.
  expect(pieces.next().value).toBeInstanceOf(Uint8Array);
  const isTensor = (length: number) => [...checkpoint.tensors.values()].some((one) => one.length === length);
  let asked = 0;
  for (let next = pieces.next(); !next.done; next = pieces.next()) {
    if (next.value instanceof Uint8Array) asked++;
    // The following tensor is read before the unchanged range in front of it.
    expect(reads.filter(isTensor).length).toBeLessThanOrEqual(asked + 1);
  }
  expect(asked).toBe(result.centered.length);
});

describe("held to transformers", () => {
  const { models } = JSON.parse(readFileSync("test/checkpoint/results.json", "utf8")) as {
    models: Record<string, Held>;
  };

  // By hand: norms before products that all have a bias where the norm has one, and the last where a head is not tied.
  const folded: Readonly<Record<string, number>> = {
    ...{
      gpt2: 4,
      "gpt2-body": 4,
      "gpt2-hub": 4,
      "gpt2-untied": 4,
      "gpt2-classifier": 4,
      "gpt2-f16": 4,
      "gpt2-bf16": 4,
    },
    ...{ opt: 4, vit: 4, dinov2: 4, "dinov2-gated": 4, clip: 8, gpt_neox: 4, "gpt_neox-sequential": 4, gpt_bigcode: 4 },
    ...{ starcoder2: 4, bloom: 4, mpt: 5, cohere: 3, gemma: 4, "gemma-untied": 5, mixtral: 5, phi3: 5, qwen3: 5 },
    ...{ llama: 5, mistral: 5, qwen2: 5 },
    // Its keys have no bias: of two blocks the norms before the decoder's cross-attention, and before the MLPs of both sides.
    whisper: 6,
    // Queries, keys and values have no bias, but the MLP has; in the last two models the head has one.
    ...{ gpt_neo: 2, gptj: 1, codegen: 1 },
    phi: 3,
  };

  test.each(Object.entries(models))("%s: outputs agree, and norms take off a mean of zero", (name, held) => {
    const bound = name.endsWith("bf16") ? 1e-2 : name.endsWith("f16") ? 1e-3 : 1e-6;
    expect(held.off).toBeLessThanOrEqual(bound);
    expect(held.offWithRmsNorms).toBeLessThanOrEqual(bound);
    expect([held.missing, held.unexpected]).toEqual([[], []]);
    expect(held.meanIsZero).toBe(held.rmsNorms);
    expect(held.offWhenFolded).toBeLessThanOrEqual(bound);
    expect(held.plainWhenFolded).toBe(folded[name] ?? 0);
  });

  test("of each architecture, the norms that the weights can free", () => {
    const counts = Object.entries(models).map(([name, { rmsNorms, layerNorms }]) => [
      name,
      `${rmsNorms} of ${layerNorms}`,
    ]);
    expect(Object.fromEntries(counts)).toMatchObject({
      ...{ gpt2: "5 of 5", "gpt2-hub": "5 of 5", opt: "5 of 5", vit: "5 of 5", clip: "6 of 11", whisper: "7 of 12" },
      ...{ bert: "1 of 6", "opt-projected": "0 of 4", t5: "0 of 0", llama: "0 of 0" },
      ...{ mistral: "0 of 0", qwen2: "0 of 0", "opt-plain": "5 of 5", olmo: "5 of 5", cohere: "3 of 3" },
      ...{ roberta: "1 of 6", distilbert: "1 of 6", albert: "1 of 4", gpt_bigcode: "5 of 5", starcoder2: "5 of 5" },
      ...{ gpt_neo: "5 of 5", gpt_neox: "5 of 5", "gpt_neox-sequential": "5 of 5", gptj: "3 of 3", codegen: "3 of 3" },
      ...{ phi: "3 of 3", stablelm: "5 of 5", "stablelm-parallel": "3 of 3", mpt: "5 of 5" },
      ...{ falcon: "3 of 3", "falcon-new": "5 of 5", "falcon-sequential": "5 of 5" },
      ...{ "xlm-roberta": "1 of 6", camembert: "1 of 6", electra: "1 of 6", "electra-discriminator": "1 of 5" },
      ...{ bloom: "1 of 6", "bloom-normed": "1 of 6", dinov2: "5 of 5", "dinov2-gated": "5 of 5" },
      ...{ gemma: "0 of 0", mixtral: "0 of 0", phi3: "0 of 0", qwen3: "0 of 0", olmo2: "0 of 0" },
    });
  });
});
