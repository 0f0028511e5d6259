/** The pages of wrong command lines: E07xx. */

import { program } from "./example.ts";
import type { Page } from "./page.ts";

export const cliPages = {
  E0701: {
    title: "a command that does not exist",
    explanation: "The first word after `tirc` is the command. `tirc --help` lists them.",
    wrong: "tirc complie bert.tir",
    fix: "tirc compile bert.tir",
  },
  E0702: {
    title: "an option that does not exist",
    explanation: `Each command has options of its own; \`tirc COMMAND --help\` lists them. What follows \`--\` is a file, even if it begins
with a hyphen.`,
    wrong: "tirc compile bert.tir --tarket portable",
    fix: "tirc compile bert.tir --target portable",
  },
  E0703: {
    title: "an option without its value",
    explanation: "The value follows after a space or after `=`.",
    wrong: "tirc compile bert.tir --target",
    fix: "tirc compile bert.tir --target=portable",
  },
  E0704: {
    title: "a value for an option that takes none",
    explanation: "Such an option is switched on by being there.",
    wrong: "tirc compile bert.tir --timing=yes",
    fix: "tirc compile bert.tir --timing",
  },
  E0705: {
    title: "a value that the option does not take",
    explanation: "The message says what it takes.",
    wrong: "tirc compile bert.tir --emit spirv",
    fix: "tirc compile bert.tir --emit wgsl",
  },
  E0706: {
    title: "an option given twice",
    explanation:
      "Which of the values is meant cannot be told. `--dim`, `--in`, `--out` and the options that name passes may be repeated.",
    wrong: "tirc compile bert.tir --target portable --target gpu-f16",
    fix: "tirc compile bert.tir --target gpu-f16",
  },
  E0707: {
    title: "something is missing from the command line",
    explanation: "The command needs a file, or the name that it works on. `-` is the standard input.",
    wrong: "tirc compile --emit json",
    fix: "tirc compile bert.tir --emit json",
  },
  E0708: {
    title: "too much on the command line",
    explanation: "`tirc check` and `tirc fmt` take any number of files, the other commands one.",
    wrong: "tirc compile bert.tir vit.tir",
    fix: program("tirc compile bert.tir", "tirc compile vit.tir"),
  },
  E0709: {
    title: "two options that do not go together",
    explanation: "Both decide the same thing, so that one of them would be without effect.",
    wrong: "tirc compile bert.tir -O0 --passes default",
    fix: "tirc compile bert.tir -O0",
  },
  E0710: {
    title: "not of the form NAME=VALUE",
    explanation: "`--dim`, `--in` and `--out` name what the value is for. They may be given several times.",
    wrong: "tirc run bert.tir --dim 4096",
    fix: "tirc run bert.tir --dim rows=4096",
  },
  E0711: {
    title: "a dimension that the program does not have, or no extent",
    explanation: "`--dim` gives a named dimension of the program its extent, a whole number.",
    wrong: "tirc run bert.tir --dim row=4096   // of f32[rows, 768]",
    fix: "tirc run bert.tir --dim rows=4096",
  },
  E0712: {
    title: "an input or an output that the function does not have",
    explanation:
      "Inputs are named as the parameters are, outputs as the results are: `out0`, `out1` where they have no names.",
    wrong: "tirc run bert.tir --out z=z.npy   // of fn bert(...) -> (y: ...)",
    fix: "tirc run bert.tir --out y=y.npy",
  },
  E0713: {
    title: "which function to run",
    explanation: "`tirc run` runs one function. Where a file has several, `--fn` names it.",
    wrong: "tirc run two-functions.tir",
    fix: "tirc run two-functions.tir --fn first",
  },
  E0714: {
    title: "several kernels for one file",
    explanation:
      "Each function becomes a kernel in a file of its own, so `-o` is a folder where a program has several.",
    wrong: "tirc compile two-functions.tir -o kernel.wgsl",
    fix: "tirc compile two-functions.tir -o kernels/",
  },
  E0715: {
    title: "a code that no diagnostic has",
    explanation: "Every diagnostic shows its code in brackets.",
    wrong: "tirc explain 203",
    fix: "tirc explain E0203",
  },
  E0716: {
    title: "the standard input or output used twice",
    explanation: "`-` stands for one stream, which can be read, or written, by one thing.",
    wrong: "tirc run - --in x=-",
    fix: "tirc run bert.tir --in x=-",
  },
  E0717: {
    title: "a number that the input cannot hold",
    explanation: "A number given with `--in` fills an input of the element type that the program says.",
    wrong: "tirc run gather.tir --in index=1.5   // of index: i32[rows]",
    fix: "tirc run gather.tir --in index=1",
  },
  E0718: {
    title: "a tensor that is too large to be made up",
    explanation: `Inputs and outputs of \`tirc run\` are held in memory, in float64 where they are compared. Where the interpreter runs, by
\`--device cpu\` or for \`--compare\`, so is all that the program computes on the way.`,
    wrong: "tirc run bert.tir --dim rows=100000000",
    fix: "tirc run bert.tir --dim rows=4096",
  },
  E0719: {
    title: "an option about a pass that does not run",
    explanation: `\`--mode\` and \`--weights-out\` are about \`eliminate-centering\`. The pipeline that is given with \`--passes\`, \`-O0\` or the
file's \`tirc-pipeline\` comment has no such pass, or \`--disable-pass\` takes it out.`,
    wrong: "tirc compile bert.tir -O0 --mode lossy",
    fix: "tirc compile bert.tir --mode lossy",
  },
  E0720: {
    title: "an output that would overwrite an input or another output",
    explanation: `Nothing is done where a file that is to be written is one of those that the command reads (the program or model, what its
constants are loaded from, the weights beside a model, inputs, a profile), or is written by another option too. Links
are followed, so that two names of one file are found to be one.`,
    wrong: "tirc import model.onnx -o model.onnx",
    fix: "tirc import model.onnx -o model.tir",
  },
  E0721: {
    title: "an empty path",
    explanation: "Perhaps a variable of the shell is empty.",
    wrong: 'tirc compile bert.tir -o ""',
    fix: "tirc compile bert.tir -o bert.wgsl",
  },
  E0799: {
    title: "a bug in tirc",
    explanation: `Something failed that cannot be the program's fault. The program is kept in a file whose first comments
have its pipeline and what failed on it: a pass, which \`tirc compile\` on the file runs again, or a command. Please report it
with that file.`,
    wrong: "tirc compile bert.tir",
    fix: "tirc compile bert.tir -O0   // perhaps: it runs fewer passes",
  },
} satisfies Record<string, Page>;
