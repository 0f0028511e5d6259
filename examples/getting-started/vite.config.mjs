import tirc from "tirc/vite";

export default { plugins: [tirc()] };
