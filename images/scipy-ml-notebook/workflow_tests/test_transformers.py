"""A transformer is trained with Hugging Face's libraries; from a configuration, since no model can be downloaded."""

import datasets
import gpu
import numpy
import pytest
import torch
import transformers


@pytest.fixture(scope="module")
def data():
    """Sequences of numbers, labelled by whether a 7 is among them."""
    sequences = numpy.random.default_rng(1).integers(1, 12, (600, 6))
    rows = {"input_ids": sequences.tolist(), "labels": (sequences == 7).any(axis=1).astype(int).tolist()}
    return datasets.Dataset.from_dict(rows).train_test_split(test_size=0.2, seed=1)


@pytest.mark.timeout(600)
def test_transformer_learns_to_find_a_number(data, tmp_path):
    transformers.set_seed(1)
    configuration = transformers.BertConfig(
        vocab_size=12,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=2,
    )
    model = transformers.BertForSequenceClassification(configuration)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=12,
        per_device_train_batch_size=32,
        learning_rate=3e-3,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=not gpu.expected(),
    )
    trainer = transformers.Trainer(model=model, args=arguments, train_dataset=data["train"])
    trainer.train()
    predicted = trainer.predict(data["test"])
    accuracy = (predicted.predictions.argmax(axis=1) == predicted.label_ids).mean()
    assert accuracy > 0.9
    assert model.device.type == ("cuda" if gpu.expected() else "cpu")
    assert not gpu.expected() or torch.cuda.max_memory_allocated() > 0
