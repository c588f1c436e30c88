// Checkpoints on disk: GGUF and safetensors, memory-mapped and bounds-checked.
