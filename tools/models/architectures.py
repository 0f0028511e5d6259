"""The architectures of the matrix, small and with random weights.

`architectures` maps a name to a function that creates a `Case`: the module, its inputs, and their dynamic axes.
"""

import os
from dataclasses import dataclass, field

import torch
from torch import nn

# The length of rows; the fixtures of the tests have WIDTH=16.
width = int(os.environ.get("WIDTH", "32"))


@dataclass
class Case:
    module: nn.Module
    inputs: dict
    # The dynamic axes: {input: {axis: name}}.
    dynamic: dict = field(default_factory=dict)


architectures = {}


def architecture(function):
    architectures[function.__name__] = function
    return function


class Outputs(nn.Module):
    """A model of transformers that returns the named outputs as a tuple."""

    def __init__(self, model, inputs, outputs, **options):
        super().__init__()
        self.model, self.names, self.outputs, self.options = model, inputs, outputs, options

    def forward(self, *tensors):
        result = self.model(**dict(zip(self.names, tensors)), **self.options)
        return tuple(result[name] for name in self.outputs)


def eager(model):
    """Selects attention by separate products: some models cannot be exported with the fused one."""
    model.set_attn_implementation("eager")
    return model


def image(size, batch=2, channels=3):
    return torch.randn(batch, channels, size, size)


def tokens(vocabulary=50, batch=2, length=9):
    return torch.randint(2, vocabulary - 2, (batch, length))


rows = {0: "batch", 1: "sequence"}


def images_of(module, size):
    return Case(module, {"x": image(size)}, {"x": {0: "batch"}})


# torchvision


@architecture
def vit():
    from torchvision.models import VisionTransformer

    return images_of(
        VisionTransformer(
            image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=width, mlp_dim=2 * width, num_classes=10
        ),
        32,
    )


@architecture
def swin():
    from torchvision.models import SwinTransformer

    return images_of(
        SwinTransformer(
            patch_size=[4, 4], embed_dim=width // 2, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=10
        ),
        32,
    )


@architecture
def swin_v2():
    from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

    return images_of(
        SwinTransformer(
            patch_size=[4, 4],
            embed_dim=width // 2,
            depths=[2, 2],
            num_heads=[2, 4],
            window_size=[4, 4],
            num_classes=10,
            block=SwinTransformerBlockV2,
            downsample_layer=PatchMergingV2,
        ),
        32,
    )


@architecture
def convnext():
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    settings = [CNBlockConfig(width // 2, width, 2), CNBlockConfig(width, None, 1)]
    return images_of(ConvNeXt(settings, layer_scale=0.5, num_classes=10), 32)


@architecture
def maxvit():
    from torchvision.models import MaxVit

    return images_of(
        MaxVit(
            input_size=(32, 32),
            stem_channels=width // 2,
            partition_size=2,
            block_channels=[width // 2, width],
            block_layers=[1, 1],
            head_dim=8,
            stochastic_depth_prob=0.0,
            num_classes=10,
        ),
        32,
    )


# transformers


@architecture
def dinov2():
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(
        hidden_size=width, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=7, mlp_ratio=2
    )
    model = Outputs(Dinov2Model(config), ["pixel_values"], ["last_hidden_state", "pooler_output"])
    return Case(model, {"pixel_values": image(28)}, {"pixel_values": {0: "batch"}})


def language_model(model, outputs=("last_hidden_state",), **options):
    names = ["input_ids", "attention_mask"]
    mask = torch.ones(2, 9, dtype=torch.int64)
    return Case(
        Outputs(model, names, list(outputs), **options),
        {"input_ids": tokens(), "attention_mask": mask},
        {name: rows for name in names},
    )


@architecture
def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=50, n_positions=16, n_embd=width, n_layer=2, n_head=4)
    return language_model(GPT2LMHeadModel(config), ["logits"], use_cache=False)


@architecture
def opt():
    from transformers import OPTConfig, OPTForCausalLM

    config = OPTConfig(
        vocab_size=50,
        hidden_size=width,
        num_hidden_layers=2,
        ffn_dim=2 * width,
        max_position_embeddings=16,
        num_attention_heads=4,
        word_embed_proj_dim=width,
    )
    return language_model(OPTForCausalLM(config), ["logits"], use_cache=False)


bert_sizes = dict(
    vocab_size=50,
    hidden_size=width,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=2 * width,
    max_position_embeddings=20,
)


@architecture
def bert():
    from transformers import BertConfig, BertModel

    return language_model(BertModel(BertConfig(**bert_sizes)), ["last_hidden_state", "pooler_output"])


@architecture
def roberta():
    from transformers import RobertaConfig, RobertaForMaskedLM

    return language_model(RobertaForMaskedLM(RobertaConfig(**bert_sizes)), ["logits"])


@architecture
def albert():
    from transformers import AlbertConfig, AlbertModel

    return language_model(AlbertModel(AlbertConfig(**bert_sizes, embedding_size=16)), ["last_hidden_state"])


@architecture
def distilbert():
    from transformers import DistilBertConfig, DistilBertModel

    config = DistilBertConfig(vocab_size=50, dim=width, n_layers=2, n_heads=4, hidden_dim=2 * width, max_position_embeddings=20)
    return language_model(DistilBertModel(config))


@architecture
def t5():
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=50, d_model=width, d_kv=8, d_ff=2 * width, num_layers=2, num_heads=4)
    names = ["input_ids", "decoder_input_ids"]
    return Case(
        Outputs(eager(T5Model(config)), names, ["last_hidden_state"], use_cache=False),
        {"input_ids": tokens(), "decoder_input_ids": tokens(length=5)},
        {"input_ids": rows, "decoder_input_ids": {0: "batch", 1: "decoded"}},
    )


decoder_sizes = dict(
    vocab_size=50,
    hidden_size=width,
    intermediate_size=2 * width,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=32,
)


@architecture
def llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    return language_model(LlamaForCausalLM(LlamaConfig(**decoder_sizes)), ["logits"], use_cache=False)


@architecture
def gemma():
    from transformers import GemmaConfig, GemmaForCausalLM

    return language_model(GemmaForCausalLM(GemmaConfig(**decoder_sizes, head_dim=8)), ["logits"], use_cache=False)


@architecture
def olmo():
    from transformers import OlmoConfig, OlmoForCausalLM

    return language_model(OlmoForCausalLM(OlmoConfig(**decoder_sizes)), ["logits"], use_cache=False)


@architecture
def whisper():
    from transformers import WhisperConfig, WhisperModel

    config = WhisperConfig(
        vocab_size=50,
        num_mel_bins=8,
        d_model=width,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=2 * width,
        decoder_ffn_dim=2 * width,
        max_source_positions=12,
        max_target_positions=16,
        **dict(pad_token_id=0, bos_token_id=1, eos_token_id=1, decoder_start_token_id=1),
    )
    # Without a mask, transformers searches the positions for packed sequences, which TorchScript cannot export.
    names = ["input_features", "decoder_input_ids", "decoder_attention_mask"]
    decoded = {0: "batch", 1: "decoded"}
    mask = torch.ones(2, 5, dtype=torch.int64)
    return Case(
        Outputs(WhisperModel(config), names, ["last_hidden_state"], use_cache=False),
        dict(zip(names, [torch.randn(2, 8, 24), tokens(length=5), mask])),
        dict(zip(names, [{0: "batch"}, decoded, decoded])),
    )


@architecture
def clip():
    from transformers import CLIPConfig, CLIPModel

    text = dict(
        vocab_size=50,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=16,
        **dict(bos_token_id=1, eos_token_id=49, pad_token_id=0),
    )
    vision = dict(
        hidden_size=width, intermediate_size=2 * width, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8
    )
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    names = ["input_ids", "pixel_values", "attention_mask"]
    ids = tokens()
    ids[:, -1] = 49
    inputs = {"input_ids": ids, "pixel_values": image(32), "attention_mask": torch.ones(2, 9, dtype=torch.int64)}
    outputs = ["logits_per_image", "text_embeds", "image_embeds"]
    dynamic = {"input_ids": {0: "texts", 1: "sequence"}, "pixel_values": {0: "images"}}
    dynamic["attention_mask"] = dynamic["input_ids"]
    inputs["pixel_values"] = image(32, batch=3)
    return Case(Outputs(CLIPModel(config), names, outputs), inputs, dynamic)


@architecture
def sam_encoder():
    from transformers import SamVisionConfig
    from transformers.models.sam.modeling_sam import SamVisionEncoder

    config = SamVisionConfig(
        hidden_size=width,
        output_channels=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=64,
        patch_size=8,
        mlp_dim=2 * width,
        window_size=3,
        global_attn_indexes=[1],
        num_pos_feats=8,
    )
    model = Outputs(eager(SamVisionEncoder(config)), ["pixel_values"], ["last_hidden_state"])
    return Case(model, {"pixel_values": image(64)}, {"pixel_values": {0: "batch"}})


# torch.nn


def causal(x):
    return torch.triu(torch.full((x.shape[1], x.shape[1]), -1e4, dtype=x.dtype), 1)


class Encoder(nn.Module):
    def __init__(self, norm_first, masked):
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True, norm_first=norm_first, activation="gelu")
        # Nested tensors would make the pre-norm and post-norm exports differ.
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.embedding = nn.Linear(16, width)
        self.masked = masked

    def forward(self, x, padding=None):
        mask = causal(x) if self.masked else None
        keys = None if padding is None else torch.where(padding, -1e4, 0.0).to(x.dtype)
        # The check whether a mask is causal depends on its elements, and cannot be exported.
        return self.encoder(self.embedding(x), mask=mask, src_key_padding_mask=keys, is_causal=False)


class Decoder(nn.Module):
    def __init__(self, norm_first):
        super().__init__()
        layer = nn.TransformerDecoderLayer(width, 4, 2 * width, batch_first=True, norm_first=norm_first)
        self.decoder = nn.TransformerDecoder(layer, 2, norm=nn.LayerNorm(width))
        self.target, self.memory = nn.Linear(16, width), nn.Linear(16, width)

    def forward(self, target, memory):
        mask = causal(target)
        return self.decoder(self.target(target), self.memory(memory), tgt_mask=mask, tgt_is_causal=False)


def encoder(norm_first, masked=False):
    inputs = {"x": torch.randn(2, 9, 16)}
    if masked:
        inputs["padding"] = torch.arange(9).expand(2, 9) >= torch.tensor([[9], [6]])
    return Case(Encoder(norm_first, masked), inputs, {name: rows for name in inputs})


def decoder(norm_first):
    inputs = {"target": torch.randn(2, 7, 16), "memory": torch.randn(2, 9, 16)}
    dynamic = {"target": {0: "batch", 1: "decoded"}, "memory": {0: "batch", 1: "sequence"}}
    return Case(Decoder(norm_first), inputs, dynamic)


@architecture
def encoder_pre_norm():
    return encoder(norm_first=True)


@architecture
def encoder_pre_norm_masked():
    return encoder(norm_first=True, masked=True)


@architecture
def encoder_post_norm():
    return encoder(norm_first=False, masked=True)


@architecture
def decoder_pre_norm():
    return decoder(norm_first=True)


@architecture
def decoder_post_norm():
    return decoder(norm_first=False)


# Architectures without a small model in a library, as in their papers.


class ConformerBlock(nn.Module):
    """Gulati et al., Conformer, 2020, figure 1, as torchaudio builds it."""

    def __init__(self, width, heads, kernel):
        super().__init__()

        def feed_forward():
            return nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
            )

        self.before, self.after = feed_forward(), feed_forward()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.conv_norm = nn.LayerNorm(width)
        self.conv = nn.Sequential(
            nn.Conv1d(width, 2 * width, 1),
            nn.GLU(dim=1),
            nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width),
            nn.BatchNorm1d(width),
            nn.SiLU(),
            nn.Conv1d(width, width, 1),
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        x = x + 0.5 * self.before(x)
        h = self.attention_norm(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        x = x + self.conv(self.conv_norm(x).transpose(1, 2)).transpose(1, 2)
        x = x + 0.5 * self.after(x)
        return self.norm(x)


@architecture
def conformer():
    model = nn.Sequential(nn.Linear(16, width), ConformerBlock(width, 4, 5), ConformerBlock(width, 4, 5))
    return Case(model, {"x": torch.randn(2, 9, 16)}, {"x": rows})


class MixerBlock(nn.Module):
    """Tolstikhin et al., MLP-Mixer, 2021, figure 1."""

    def __init__(self, width, patches):
        super().__init__()
        self.token_norm, self.channel_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.token = nn.Sequential(nn.Linear(patches, 24), nn.GELU(), nn.Linear(24, patches))
        self.channel = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        x = x + self.token(self.token_norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel(self.channel_norm(x))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.blocks = nn.Sequential(MixerBlock(width, 16), MixerBlock(width, 16))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(x)).mean(1))


@architecture
def mixer():
    return images_of(Mixer(), 32)


class DiTBlock(nn.Module):
    """Peebles and Xie, Scalable Diffusion Models with Transformers, 2022: norms without gamma, scaled by a condition."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU("tanh"), nn.Linear(2 * width, width))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, condition):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition).unsqueeze(1).chunk(6, dim=2)
        h = self.norm1(x) * (1 + scale1) + shift1
        x = x + gate1 * self.attention(h, h, h, need_weights=False)[0]
        return x + gate2 * self.mlp(self.norm2(x) * (1 + scale2) + shift2)


class DiT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(4, width, 2, 2)
        self.position = nn.Parameter(torch.zeros(1, 16, width))
        self.blocks = nn.ModuleList([DiTBlock(width, 4), DiTBlock(width, 4)])
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.head = nn.Linear(width, 16)

    def forward(self, x, condition):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.position
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.modulation(condition).unsqueeze(1).chunk(2, dim=2)
        return self.head(self.norm(x) * (1 + scale) + shift)


@architecture
def dit():
    inputs = {"x": image(8, channels=4), "condition": torch.randn(2, width)}
    return Case(DiT(), inputs, {name: {0: "batch"} for name in inputs})
