"""Where weights lie and how they are stored changes no score; what is missing is named."""

import json
import shutil

import pytest
import torch

from benchmarks.engine.loading import load_model
from benchmarks.engine.local import LocalEngine
from benchmarks.engine.requests import Decoding, GenerationRequest, LikelihoodRequest
from benchmarks.engine.spec import ModelArgsError, model_spec, parse_pairs
from providers.checkpoints.weights import CheckpointError
from tests.benchmarks.tiny import save_checkpoint

LAYERS = ("model.layers.0", "model.layers.1")
ENDS = ("model.embed_tokens", "model.rotary_emb", "model.norm", "lm_head")
BLOCK = 16
FP8_LARGEST = 448.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny")


def answers(folder, **options):
    engine = LocalEngine(load_model(model_spec({"checkpoint": str(folder), **options})))
    likelihoods = engine.likelihoods(
        [LikelihoodRequest("The river runs to the", c) for c in (" sea", " city", " window")]
    )
    (said,) = engine.generate([GenerationRequest("The river", Decoding(max_tokens=8))])
    return [found.logprob for found in likelihoods], said.text, engine


@pytest.fixture(scope="module")
def plain(folder):
    return answers(folder, precision="fp32")


@pytest.mark.parametrize(
    "device_map",
    ["auto", "balanced", "cpu", {"": "cpu"}, '{"": "cpu"}', {"": "disk"},
     dict.fromkeys(ENDS, "cpu") | dict(zip(LAYERS, ("cpu", "disk"), strict=True)),
     dict.fromkeys(ENDS, "disk") | dict(zip(LAYERS, ("disk", "cpu"), strict=True))],
    ids=["auto", "balanced", "cpu", "whole", "json", "disk", "one layer on disk", "one in memory"],
)  # fmt: skip
def test_a_model_that_is_spread_scores_and_writes_as_one_that_is_not(folder, plain, device_map):
    likelihoods, text, engine = answers(folder, precision="fp32", device_map=device_map)
    assert likelihoods == pytest.approx(plain[0], abs=1e-5)
    assert text == plain[1]
    is_on_disk = "disk" in str(device_map)
    offloaded = [p for p in engine.model.parameters() if p.device.type == "meta"]
    assert bool(offloaded) is is_on_disk
    assert engine.loaded.is_sharing


def quantised(folder, to):
    """The checkpoint in FP8, with one scale per block, and what it means in float32 beside it."""
    from safetensors.torch import load_file, save_file

    whole, stored = load_file(folder / "model.safetensors"), {}
    for name, weight in list(whole.items()):
        stored[name] = weight
        if "proj" in name:
            rows, columns = weight.shape
            blocks = weight.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
            scales = blocks.abs().amax(dim=(1, 3)) / FP8_LARGEST
            spread = scales[:, None, :, None]
            kept = (blocks / spread).to(torch.float8_e4m3fn)
            stored[name] = kept.reshape(rows, columns)
            stored[name + "_scale_inv"] = scales
            whole[name] = (kept.float() * spread).reshape(rows, columns)
    for place, weights in (("fp8", stored), ("meant", whole)):
        shutil.copytree(folder, to / place)
        save_file(weights, to / place / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((folder / "config.json").read_text())
    settings["quantization_config"] = {"quant_method": "fp8", "weight_block_size": [BLOCK, BLOCK]}
    (to / "fp8" / "config.json").write_text(json.dumps(settings))
    return to / "fp8", to / "meant"


def test_a_quantised_checkpoint_scores_as_the_numbers_that_it_stands_for(folder, plain, tmp_path):
    fp8, meant = quantised(folder, tmp_path)
    likelihoods, text, _ = answers(fp8, precision="fp32")
    wanted, wanted_text, _ = answers(meant, precision="fp32")
    assert likelihoods == pytest.approx(wanted, abs=1e-4)
    assert text == wanted_text
    assert likelihoods != pytest.approx(plain[0], abs=1e-2)


@pytest.mark.parametrize(
    ("stored", "asked", "package"),
    [({}, {"quantization": "8bit"}, "bitsandbytes"),
     ({}, {"quantization": "4bit"}, "bitsandbytes"),
     ({"quant_method": "bitsandbytes", "load_in_4bit": True}, {}, "bitsandbytes"),
     ({"quant_method": "gptq", "bits": 4}, {}, "optimum"),
     ({"quant_method": "awq", "bits": 4}, {}, "gptqmodel"),
     ({"quant_method": "quanto", "weights": "int8"}, {}, "optimum-quanto"),
     ({"quant_method": "torchao", "quant_type": "int8_weight_only"}, {}, "torchao"),
     ({"quant_method": "compressed-tensors", "format": "int-quantized"}, {}, "compressed-tensors")],
)  # fmt: skip
def test_a_quantisation_without_its_package_says_what_to_install(
    folder, tmp_path, stored, asked, package
):
    from importlib.util import find_spec

    if find_spec(package.replace("-", "_")):
        pytest.skip(f"{package} is installed")
    shutil.copytree(folder, tmp_path / "model")
    settings = json.loads((folder / "config.json").read_text())
    settings |= {"quantization_config": stored} if stored else {}
    (tmp_path / "model" / "config.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=rf"(?s)cannot be loaded.*pip install.*{package}"):
        answers(tmp_path / "model", **asked)


def test_weights_that_are_missing_are_not_made_up(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    gone = [name for name in weights if "layers.1.mlp" in name]
    kept = {name: weight for name, weight in weights.items() if name not in gone}
    save_file(kept, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lacks weights .*layers\.1\.mlp\.down_proj"):
        answers(tmp_path / "model")


def test_a_kind_of_model_without_torchs_own_attention_is_loaded(tmp_path):
    from transformers import AutoConfig, AutoModelForCausalLM

    from tests.benchmarks.tiny import make_tokenizer

    shape = {"vocab_size": 420, "hidden_size": 32, "n_layer": 1, "n_head": 4}
    config = AutoConfig.for_model("bloom", **shape, bos_token_id=1, eos_token_id=2)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    make_tokenizer(adds_bos=True).save_pretrained(tmp_path)
    assert all(logprob < 0 for logprob in answers(tmp_path, max_length=256)[0])


def test_model_arguments_may_be_one_json_object():
    text = '{"pretrained": "here", "device_map": {"model": "cpu", "lm_head": "disk"}}'
    spec = model_spec(parse_pairs(text))
    assert json.loads(spec.device_map) == {"model": "cpu", "lm_head": "disk"}
    with pytest.raises(ModelArgsError, match="not a JSON object"):
        parse_pairs("{pretrained=here")


def test_a_device_map_that_is_no_map_is_refused(folder):
    with pytest.raises(CheckpointError, match="not valid JSON"):
        answers(folder, device_map="{cpu}")
