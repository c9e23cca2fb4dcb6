/* cuBLAS, as far as ONNX Runtime's provider calls it for float32: matrices by columns, as there. */
#include <stdlib.h>

#include "fake.h"

enum { OK = 0, NOT_SUPPORTED = 15 };

enum { TF32 = 3 };

struct handle {
    int mode;
};

static int made(struct handle **handle)
{
    *handle = calloc(1, sizeof **handle);
    return OK;
}

int cublasCreate_v2(struct handle **handle) { return made(handle); }
int cublasLtCreate(struct handle **handle) { return made(handle); }
int cublasDestroy_v2(void *handle) { free(handle); return OK; }
int cublasLtDestroy(void *handle) { free(handle); return OK; }
int cublasSetStream_v2(void *handle, void *stream) { (void)handle, (void)stream; return OK; }
int cublasSetMathMode(struct handle *handle, int mode) { handle->mode = mode; return OK; }
int cublasGetMathMode(struct handle *handle, int *mode) { *mode = handle->mode; return OK; }

const char *cublasGetStatusName(int status) { return status == OK ? "success" : "not supported"; }
const char *cublasGetStatusString(int status) { return cublasGetStatusName(status); }

static float at(const float *matrix, int leading, int transposed, int64_t row, int64_t column)
{
    return transposed ? matrix[column + row * leading] : matrix[row + column * leading];
}

static float factor(float value, bool tf32)
{
    return tf32 ? fake_tf32(value) : value;
}

/* C = α op(A) op(B) + β C, of m × k and k × n */
int cublasSgemm_v2(struct handle *handle, int a_transposed, int b_transposed, int m, int n, int k, const float *alpha,
                   const float *a, int a_leading, const float *b, int b_leading, const float *beta, float *c, int c_leading)
{
    bool tf32 = handle->mode == TF32;
    fake_counts.tf32 += tf32;
    if (!fake_kernel(__func__, 4 * ((uint64_t)m * k + (uint64_t)k * n + (uint64_t)m * n), 2 * (uint64_t)m * n * k)) return OK;
    for (int64_t column = 0; column < n; column++)
        for (int64_t row = 0; row < m; row++) {
            double sum = 0;
            for (int64_t i = 0; i < k; i++)
                sum += (double)factor(at(a, a_leading, a_transposed, row, i), tf32) *
                       factor(at(b, b_leading, b_transposed, i, column), tf32);
            float *to = &c[row + column * c_leading];
            *to = *alpha * (float)sum + (*beta == 0 ? 0 : *beta * *to);
        }
    return OK;
}

/* C = α op(A) + β op(B) */
int cublasSgeam(void *handle, int a_transposed, int b_transposed, int m, int n, const float *alpha, const float *a, int a_leading,
                const float *beta, const float *b, int b_leading, float *c, int c_leading)
{
    (void)handle;
    if (fake_kernel(__func__, 8 * (uint64_t)m * n, 0))
        for (int64_t column = 0; column < n; column++)
            for (int64_t row = 0; row < m; row++) {
                float value = *alpha == 0 ? 0 : *alpha * at(a, a_leading, a_transposed, row, column);
                if (*beta != 0) value += *beta * at(b, b_leading, b_transposed, row, column);
                c[row + column * c_leading] = value;
            }
    return OK;
}

#define MISSING(name)                                                                                                            \
    int name(void)                                                                                                               \
    {                                                                                                                            \
        fake_missing(#name);                                                                                                     \
        return NOT_SUPPORTED;                                                                                                    \
    }
MISSING(cublasDgeam)
MISSING(cublasDgemmBatched)
MISSING(cublasDgemmStridedBatched)
MISSING(cublasDgemm_v2)
MISSING(cublasDgetrfBatched)
MISSING(cublasDgetriBatched)
MISSING(cublasGemmBatchedEx)
MISSING(cublasGemmEx)
MISSING(cublasGemmStridedBatchedEx)
MISSING(cublasLtMatmul)
MISSING(cublasLtMatmulAlgoConfigSetAttribute)
MISSING(cublasLtMatmulAlgoGetHeuristic)
MISSING(cublasLtMatmulAlgoInit)
MISSING(cublasLtMatmulDescCreate)
MISSING(cublasLtMatmulDescDestroy)
MISSING(cublasLtMatmulDescSetAttribute)
MISSING(cublasLtMatmulPreferenceCreate)
MISSING(cublasLtMatmulPreferenceDestroy)
MISSING(cublasLtMatmulPreferenceSetAttribute)
MISSING(cublasLtMatrixLayoutCreate)
MISSING(cublasLtMatrixLayoutDestroy)
MISSING(cublasLtMatrixLayoutSetAttribute)
MISSING(cublasLtMatrixTransform)
MISSING(cublasLtMatrixTransformDescCreate)
MISSING(cublasLtMatrixTransformDescDestroy)
MISSING(cublasScopy_v2)
MISSING(cublasSgemmBatched)
MISSING(cublasSgemmStridedBatched)
MISSING(cublasSgetrfBatched)
MISSING(cublasSgetriBatched)
MISSING(cublasSscal_v2)
