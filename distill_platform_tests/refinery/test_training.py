"""A release trains with TRL as it is: SFT, DPO and KTO take two steps each on a tiny model built on the spot."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_platform.refinery.release import load_release
from distill_platform_tests.refinery.small_lake import MONDAY, TUESDAY, SmallLake, week

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # other people's warnings are not ours to mend
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a verified release."""
    small = SmallLake(tmp_path_factory.mktemp("training")).write(week()).materialize(MONDAY, TUESDAY)
    return load_release(small.folder(small.release(MONDAY, TUESDAY))).folder


@pytest.fixture
def load(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What loads one corpus of the release, offline, both splits."""
    pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return lambda config: datasets.load_dataset(str(folder), config)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    """A tokenizer trained on the release's own texts, with a chat template."""
    pytest.importorskip("trl")
    tokenizers = pytest.importorskip("tokenizers")
    from transformers import PreTrainedTokenizerFast

    model = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = tokenizers.decoders.ByteLevel()
    special = ["<unk>", "<pad>", "<eos>", "<|system|>", "<|user|>", "<|assistant|>"]
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=600, special_tokens=special, initial_alphabet=alphabet)
    model.train_from_iterator((folder / "rag/train.jsonl").read_text().splitlines(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=model, unk_token="<unk>", pad_token="<pad>", eos_token="<eos>", chat_template=CHAT_TEMPLATE
    )


@pytest.fixture
def model(tokenizer: Any, tmp_path: Path) -> str:
    """The folder of a Llama of a few thousand weights; trainers that need a reference model load it twice."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


def arguments(kind: Any, output: Path) -> Any:
    """Two steps on the CPU, nothing saved and nothing reported."""
    return kind(
        output_dir=str(output),
        max_steps=2,
        per_device_train_batch_size=2,
        per_device_eval_batch_size=2,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        max_length=256,
    )


def test_supervised_fine_tuning(load: Any, model: str, tokenizer: Any, tmp_path: Path) -> None:
    import trl

    train_and_evaluate(trl.SFTTrainer, trl.SFTConfig, load("sft"), model, tokenizer, tmp_path)


def test_direct_preference_optimization(load: Any, model: str, tokenizer: Any, tmp_path: Path) -> None:
    import trl

    train_and_evaluate(trl.DPOTrainer, trl.DPOConfig, load("preference"), model, tokenizer, tmp_path)


def test_kahneman_tversky_optimization(load: Any, model: str, tokenizer: Any, tmp_path: Path) -> None:
    import trl

    train_and_evaluate(trl.KTOTrainer, trl.KTOConfig, load("kto"), model, tokenizer, tmp_path)


def train_and_evaluate(trainer: Any, config: Any, corpus: Any, model: str, tokenizer: Any, output: Path) -> None:
    """Train on one split and evaluate on the other, the rows just as they were loaded."""
    running = trainer(
        model=model,
        args=arguments(config, output),
        train_dataset=corpus["train"],
        eval_dataset=corpus["validation"],
        processing_class=tokenizer,
    )
    before = running.model.get_input_embeddings().weight.detach().clone()
    result = running.train()
    assert result.global_step == 2
    assert math.isfinite(result.training_loss)
    assert not running.model.get_input_embeddings().weight.equal(before), "no weight moved"
    assert math.isfinite(running.evaluate()["eval_loss"])
