#pragma once
#include <stddef.h>

// The Fortran symbols of BLAS and LAPACK that libopenblas exports (Debian's package brings no LAPACKE header). Matrices are
// column-major, integers 32 bits, every argument an address; gfortran's callees take the lengths of character arguments at the end.

/// C = alpha op(A) op(B) + beta C.
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc, size_t transa_length, size_t transb_length);

/// A = Q R by Householder reflections; R above the diagonal, the reflectors below it and in tau.
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork,
             int *info);

/// The first n columns of Q from k reflectors.
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau, double *work,
             const int *lwork, int *info);

/// A = U S V^T by divide and conquer.
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info,
             size_t jobz_length);

/// OpenBLAS's own: threads of its pool for the whole process.
void openblas_set_num_threads(int count);
