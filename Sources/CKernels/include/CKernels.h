// Order-fixed kernels; see Sources/Kernels for the Swift side.
#pragma once
