// SPDX-License-Identifier: ISC
#include "nn/sniff.h"

#include <string.h>

static int has(const uint8_t *head, size_t len, size_t at, const char *bytes, size_t n)
{
    return len >= at + n && !memcmp(head + at, bytes, n);
}

static int within(const uint8_t *head, size_t len, const char *word)
{
    const size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++)
        if (!memcmp(head + i, word, n))
            return 1;
    return 0;
}

static int is_text(const uint8_t *head, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((head[i] < 32 && (head[i] < 9 || head[i] > 13)) || head[i] == 127)
            return 0;
    return len > 0;
}

#define AT(at, bytes) has(head, len, at, bytes, sizeof(bytes) - 1)

const char *nn_sniff(const uint8_t *head, size_t len, int wanted)
{
    const int model = wanted == NN_SNIFF_MODEL;
    len = len < NN_SNIFF_BYTES ? len : NN_SNIFF_BYTES;

    if (!len)
        return "an empty file";
    if (AT(0, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"))
        return "a file of zeros";
    if (AT(0, "\x1f\x8b"))
        return model ? "a gzip file: unpack it first (gunzip)"
                     : "a gzip file: unpack it on the way, as in  zcat FILE.gz | tacit infer ... --images -";
    if (AT(0, "\xfd" "7zXZ") || AT(0, "BZh") || AT(0, "\x28\xb5\x2f\xfd"))
        return "a compressed file (xz, bzip2 or zstd): unpack it first";
    if (AT(257, "ustar"))
        return "a tar archive: unpack it first (tar xf)";
    if (AT(0, "\x7f" "ELF"))
        return "a program";
    if (AT(0, "version https://git-lfs"))
        return "a Git LFS pointer, not the file itself: fetch that with  git lfs pull";
    if (AT(0, "\x89HDF\r\n"))
        return "an HDF5 file, as Keras saves: convert the model to ONNX (tf2onnx)";
    if (AT(4, "TFL3"))
        return "a TensorFlow Lite file: convert the model to ONNX (tf2onnx --tflite)";
    if (AT(0, "PK\x03\x04"))
        return model ? "a zip archive, as PyTorch (.pt) and Keras (.keras) save: export the model to ONNX "
                       "(torch.onnx.export, tf2onnx)"
                     : "a zip archive: unpack it first";
    if (AT(0, "\x80\x02") || AT(0, "\x80\x03") || AT(0, "\x80\x04"))
        return "a Python pickle, which is never read: export the model to ONNX (torch.onnx.export)";
    if (len > 10 && head[7] == 0 && AT(8, "{\""))
        return "a safetensors file: it has weights but no network; export the model to ONNX";
    if (AT(0, "\x93NUMPY"))
        return model ? "an array of NumPy, not a model"
                     : "an array of NumPy: save the images as an IDX file of unsigned bytes";
    if (AT(0, "\x89PNG") || AT(0, "\xff\xd8\xff") || AT(0, "GIF8") || AT(0, "BM"))
        return model ? "a picture, not a model" : "a picture: put the images into an IDX file of unsigned bytes";
    if (AT(0, "P5") || AT(0, "P6"))
        return model ? "a picture, not a model"
                     : "a PGM or PPM picture: put the images into an IDX file of unsigned bytes";
    if (model && len >= 4 && !head[0] && !head[1] && head[2] >= 8 && head[2] <= 14 && head[3] >= 1 && head[3] <= 4)
        return "an IDX file, that is images or labels, not a model";
    if (AT(0, "\x08\x01\x12") && within(head, len, "serve"))
        return "a TensorFlow SavedModel: convert it to ONNX (tf2onnx --saved-model FOLDER)";
    if (AT(0, "\x0a") && (within(head, len, "Placeholder") || within(head, len, "Const")) && within(head, len, "dtype"))
        return model ? "a TensorFlow graph (GraphDef): convert it to ONNX (tf2onnx --graphdef)"
                     : "a TensorFlow graph, not images";
    if (!model && len > 2 && head[0] == 8 && head[1] < 32 && (head[2] == 0x12 || head[2] == 0x3a))
        return "a model (ONNX), not images";
    if (AT(0, "<") && (within(head, len, "html") || within(head, len, "HTML") || within(head, len, "<?xml")))
        return "a web page, not the file that was meant to be fetched";
    if (!is_text(head, len))
        return NULL;
    return model ? "a text file" : "a text file: put the images into an IDX file of unsigned bytes";
}
