/** Highlighting of the subset of WGSL that generated kernels use. */

import { LanguageSupport, StreamLanguage } from "@codemirror/language";

const keyword =
  /^(?:fn|let|var|const|override|struct|return|if|else|for|while|loop|break|continue|switch|case|default|enable|requires|alias)\b/;
const type = /^(?:vec[234][fhiu]?|mat\dx\d[fh]?|array|atomic|ptr|f32|f16|i32|u32|bool)\b/;

const language = StreamLanguage.define<{ inComment: boolean }>({
  name: "wgsl",
  startState: () => ({ inComment: false }),
  token(stream, state) {
    if (state.inComment || stream.match("/*")) {
      state.inComment = !stream.match(/^.*?\*\//);
      if (state.inComment) stream.skipToEnd();
      return "comment";
    }
    if (stream.match(/^\/\/.*/)) return "comment";
    if (stream.match(/^@\w+/)) return "meta";
    if (stream.match(keyword)) return "keyword";
    if (stream.match(type)) return "typeName";
    if (stream.match(/^(?:true|false)\b/)) return "atom";
    if (stream.match(/^(?:\d[\w.]*(?:(?<=e)[+-]\d+[a-z]?)?|\.\d+\w*)/)) return "number";
    if (stream.match(/^[A-Za-z_]\w*/)) return stream.match(/^\s*\(/, false) ? "variableName.function" : "variableName";
    if (stream.match(/^[-+*/%=<>!&|]+/)) return "operator";
    stream.next();
    return null;
  },
});

export function wgsl(): LanguageSupport {
  return new LanguageSupport(language);
}
