"""Creates small models of `transformers` with random weights, and compares results of `tirc surgery` with the originals.

    python tools/checkpoints/check.py make FOLDER       writes a checkpoint of each model
    python tools/checkpoints/check.py compare FOLDER    compares NAME with NAME-rms and NAME-folded, and prints JSON

Checks of `-rms`: the library loads it without missing or unexpected tensors, the outputs agree, the norms that `rms_norms`
lists subtract a mean of zero, and the outputs also agree with RMSNorms in their place. Checks of `-folded`, written with
`--fold gamma,beta`: the outputs agree; it counts the norms that multiply by one and add zero.
"""

import json
import os
import sys

import torch
import transformers
from transformers import *  # noqa: F403 (its names are classes of models)

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
words = dict(vocab_size=40)
small = dict(hidden_size=12, num_hidden_layers=2, intermediate_size=24, num_attention_heads=3)
image = dict(image_size=8, patch_size=4)
gpt2 = dict(**words, n_positions=16, n_embd=12, n_layer=2, n_head=3)
opt = dict(**words, num_hidden_layers=2, ffn_dim=24, num_attention_heads=3, max_position_embeddings=16)
whisper = dict(
    vocab_size=60, num_mel_bins=8, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3, decoder_attention_heads=3,
    encoder_ffn_dim=24, decoder_ffn_dim=24, d_model=12, max_source_positions=10, max_target_positions=16,
    pad_token_id=1, bos_token_id=1, eos_token_id=2, decoder_start_token_id=3,
)
clip = dict(
    text_config=dict(**words, **small, max_position_embeddings=16, projection_dim=8, eos_token_id=39),
    vision_config=dict(**small, **image, projection_dim=8),
    projection_dim=8,
)
llama = dict(**words, **small)
bloom = dict(**words, hidden_size=12, n_layer=2, n_head=3)
dinov2 = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, mlp_ratio=2, **image)
falcon = dict(**words, hidden_size=12, num_hidden_layers=2, num_attention_heads=3)

models = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(**gpt2)),
    "gpt2-body": lambda: GPT2Model(GPT2Config(**gpt2)),
    "gpt2-hub": lambda: GPT2Model(GPT2Config(**gpt2)),
    "gpt2-untied": lambda: GPT2LMHeadModel(GPT2Config(**gpt2, tie_word_embeddings=False)),
    "gpt2-classifier": lambda: GPT2ForSequenceClassification(GPT2Config(**gpt2, pad_token_id=0)),
    "gpt2-f16": lambda: GPT2LMHeadModel(GPT2Config(**gpt2)).half(),
    "gpt2-bf16": lambda: GPT2LMHeadModel(GPT2Config(**gpt2)).bfloat16(),
    "opt": lambda: OPTForCausalLM(OPTConfig(**opt, hidden_size=12, word_embed_proj_dim=12)),
    "opt-projected": lambda: OPTForCausalLM(OPTConfig(**opt, hidden_size=12, word_embed_proj_dim=8, do_layer_norm_before=False)),
    "bert": lambda: BertForMaskedLM(BertConfig(**words, **small, max_position_embeddings=16)),
    "bert-classifier": lambda: BertForSequenceClassification(BertConfig(**words, **small, max_position_embeddings=16)),
    "vit": lambda: ViTForImageClassification(ViTConfig(**small, **image)),
    "clip": lambda: CLIPModel(CLIPConfig(**clip)),
    "whisper": lambda: WhisperForConditionalGeneration(WhisperConfig(**whisper)),
    "t5": lambda: T5ForConditionalGeneration(T5Config(**words, d_model=12, d_kv=4, d_ff=24, num_layers=2, num_heads=3)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**llama)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**llama, num_key_value_heads=3)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**llama, num_key_value_heads=3)),
    "opt-plain": lambda: OPTForCausalLM(
        OPTConfig(**opt, hidden_size=12, word_embed_proj_dim=12, layer_norm_elementwise_affine=False)
    ),
    "roberta": lambda: RobertaForMaskedLM(RobertaConfig(**words, **small, max_position_embeddings=20)),
    "distilbert": lambda: DistilBertForMaskedLM(
        DistilBertConfig(**words, dim=12, n_layers=2, n_heads=3, hidden_dim=24, max_position_embeddings=16)
    ),
    "albert": lambda: AlbertForMaskedLM(
        AlbertConfig(**words, **small, embedding_size=8, max_position_embeddings=16)
    ),
    "gpt_neo": lambda: GPTNeoForCausalLM(
        GPTNeoConfig(
            **words, hidden_size=12, num_layers=2, attention_types=[[["global"], 2]], num_heads=3, intermediate_size=24,
            max_position_embeddings=16,
        )
    ),
    "gpt_neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**llama, max_position_embeddings=16)),
    "gpt_neox-sequential": lambda: GPTNeoXForCausalLM(
        GPTNeoXConfig(**llama, max_position_embeddings=16, use_parallel_residual=False)
    ),
    "gptj": lambda: GPTJForCausalLM(GPTJConfig(**gpt2, rotary_dim=4)),
    "codegen": lambda: CodeGenForCausalLM(
        CodeGenConfig(**words, n_positions=16, n_ctx=16, n_embd=16, n_layer=2, n_head=4, rotary_dim=4)
    ),
    "gpt_bigcode": lambda: GPTBigCodeForCausalLM(GPTBigCodeConfig(**gpt2)),
    "phi": lambda: PhiForCausalLM(PhiConfig(**llama, max_position_embeddings=16)),
    "stablelm": lambda: StableLmForCausalLM(StableLmConfig(**llama, num_key_value_heads=3)),
    "stablelm-parallel": lambda: StableLmForCausalLM(
        StableLmConfig(**llama, num_key_value_heads=3, use_parallel_residual=True)
    ),
    "starcoder2": lambda: Starcoder2ForCausalLM(Starcoder2Config(**llama, num_key_value_heads=3)),
    "falcon": lambda: FalconForCausalLM(FalconConfig(**falcon)),
    "falcon-new": lambda: FalconForCausalLM(FalconConfig(**falcon, new_decoder_architecture=True, num_kv_heads=3)),
    "falcon-sequential": lambda: FalconForCausalLM(FalconConfig(**falcon, parallel_attn=False)),
    "mpt": lambda: MptForCausalLM(MptConfig(**words, d_model=16, n_heads=4, n_layers=2, max_seq_len=16)),
    "xlm-roberta": lambda: XLMRobertaForMaskedLM(XLMRobertaConfig(**words, **small, max_position_embeddings=20)),
    "camembert": lambda: CamembertForMaskedLM(CamembertConfig(**words, **small, max_position_embeddings=20)),
    "electra": lambda: ElectraForMaskedLM(
        ElectraConfig(**words, **small, embedding_size=8, max_position_embeddings=16)
    ),
    "electra-discriminator": lambda: ElectraForPreTraining(
        ElectraConfig(**words, **small, embedding_size=12, max_position_embeddings=16)
    ),
    "bloom": lambda: BloomForCausalLM(BloomConfig(**bloom)),
    "bloom-normed": lambda: BloomForCausalLM(BloomConfig(**bloom, apply_residual_connection_post_layernorm=True)),
    "dinov2": lambda: Dinov2ForImageClassification(Dinov2Config(**dinov2)),
    "dinov2-gated": lambda: Dinov2Model(Dinov2Config(**dinov2, use_swiglu_ffn=True)),
    "gemma": lambda: GemmaForCausalLM(GemmaConfig(**llama, num_key_value_heads=3, head_dim=4)),
    "gemma-untied": lambda: GemmaForCausalLM(
        GemmaConfig(**llama, num_key_value_heads=3, head_dim=4, tie_word_embeddings=False)
    ),
    "mixtral": lambda: MixtralForCausalLM(MixtralConfig(**llama, num_key_value_heads=3, num_local_experts=2)),
    "phi3": lambda: Phi3ForCausalLM(Phi3Config(**llama, num_key_value_heads=3, pad_token_id=0)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**llama, num_key_value_heads=3, head_dim=4)),
    "olmo2": lambda: Olmo2ForCausalLM(Olmo2Config(**llama)),
    "olmo": lambda: OlmoForCausalLM(OlmoConfig(**llama)),
    "cohere": lambda: CohereForCausalLM(CohereConfig(**llama)),
}
sharded = {"opt"}


def make(folder):
    for seed, (name, build) in enumerate(models.items()):
        torch.manual_seed(seed)
        model = build().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        shards = dict(max_shard_size="4KB") if name in sharded else {}
        model.save_pretrained(os.path.join(folder, name), **shards)
        if name == "gpt2-hub":
            # Like the published GPT-2: tensor names without a prefix, and a class with a head in the configuration.
            file = os.path.join(folder, name, "config.json")
            with open(file) as read:
                text = read.read().replace('"GPT2Model"', '"GPT2LMHeadModel"')
            with open(file, "w") as write:
                write.write(text)


def inputs_of(kind):
    torch.manual_seed(1)
    ids = torch.randint(4, 38, (2, 7))
    pixels = dict(pixel_values=torch.randn(2, 3, 8, 8))
    return {
        "vit": pixels,
        "dinov2": pixels,
        "clip": dict(input_ids=ids, **pixels),
        "whisper": dict(input_features=torch.randn(2, 8, 20), decoder_input_ids=ids),
        "t5": dict(input_ids=ids, decoder_input_ids=ids),
    }.get(kind, dict(input_ids=ids))


class Rms(torch.nn.Module):
    """The RMSNorm that may replace a LayerNorm whose rows are centered."""

    def __init__(self, norm):
        super().__init__()
        self.weight, self.bias = getattr(norm, "weight", None), getattr(norm, "bias", None)
        # OLMo's norm has a fixed eps.
        self.eps = getattr(norm, "eps", getattr(norm, "variance_epsilon", 1e-5))

    def forward(self, x):
        y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        y = y if self.weight is None else y * self.weight
        return y if self.bias is None else y + self.bias


def is_layer_norm(module):
    """Whether a module is torch's LayerNorm or a model's own class of it."""
    return isinstance(module, torch.nn.LayerNorm) or type(module).__name__ in ("OlmoLayerNorm", "CohereLayerNorm")


def is_plain(module):
    """Whether a module is a norm whose weights have no effect."""
    kind = type(module).__name__
    if "Norm" not in kind or getattr(module, "weight", None) is None:
        return False
    one = 0 if kind.startswith("Gemma") else 1
    bias = getattr(module, "bias", None)
    return bool((module.weight == one).all()) and (bias is None or bool((bias == 0).all()))


def main_output(outputs):
    for name in ("logits", "logits_per_image", "last_hidden_state"):
        if getattr(outputs, name, None) is not None:
            return getattr(outputs, name).double()
    raise ValueError(f"no output of {list(outputs.keys())}")


def compare(folder):
    found = {}
    for name in models:
        before, after = os.path.join(folder, name), os.path.join(folder, f"{name}-rms")
        with open(os.path.join(after, "config.json")) as file:
            config = json.load(file)
        cls = getattr(transformers, config["architectures"][0])
        # Compute in f32, so that only the precision of the weights differs.
        original = cls.from_pretrained(before, dtype=torch.float32).eval()
        written, info = cls.from_pretrained(after, dtype=torch.float32, output_loading_info=True)
        written.eval()
        inputs = inputs_of(config["model_type"])
        largest = {}

        def watch(module, args, module_name):
            x = args[0]
            mean = (x.mean(-1).abs() / x.abs().amax(-1)).max().item()
            largest[module_name] = max(largest.get(module_name, 0), mean)

        norms = {n: m for n, m in written.named_modules() if is_layer_norm(m)}
        for module_name, module in norms.items():
            module.register_forward_pre_hook(lambda m, args, n=module_name: watch(m, args, n))
        with torch.no_grad():
            want, got = main_output(original(**inputs)), main_output(written(**inputs))
        bound = 3e-2 if name.endswith("bf16") else 3e-3 if name.endswith("f16") else 3e-6
        free = [n for n, mean in largest.items() if mean < bound]
        for module_name in free:
            parent, _, last = module_name.rpartition(".")
            setattr(written.get_submodule(parent), last, Rms(norms[module_name]))
        with torch.no_grad():
            rms = main_output(written(**inputs))
        size = want.abs().max()
        folded, more = cls.from_pretrained(f"{before}-folded", dtype=torch.float32, output_loading_info=True)
        with torch.no_grad():
            fold = main_output(folded.eval()(**inputs))
        found[name] = {
            "layerNorms": len(norms),
            "rmsNorms": len(config.get("rms_norms", [])),
            "meanIsZero": len(free),
            "off": ((got - want).abs().max() / size).item(),
            "offWithRmsNorms": ((rms - want).abs().max() / size).item(),
            "plainWhenFolded": sum(is_plain(module) for module in folded.modules()),
            "offWhenFolded": ((fold - want).abs().max() / size).item(),
            "missing": sorted({*info["missing_keys"], *more["missing_keys"]}),
            "unexpected": sorted({*info["unexpected_keys"], *more["unexpected_keys"]}),
        }
    print(json.dumps({"transformers": transformers.__version__, "torch": torch.__version__, "models": found}, indent=2))


if __name__ == "__main__":
    {"make": make, "compare": compare}[sys.argv[1]](sys.argv[2])
