// SPDX-License-Identifier: MIT
/* What libbpf complains of: which program the kernel refused, and why, is in its log only. */
#ifndef RINGLIGHT_COMPLAINT_H
#define RINGLIGHT_COMPLAINT_H

/* From here on libbpf's warnings are kept instead of printed; those that were kept are forgotten. */
void complaint_listen(void);
/* The beginning of what was complained of, "" when there was nothing. */
const char *complaint_text(void);
/* The verifier's last words about the program that was refused, "" when it had none. */
const char *complaint_verdict(void);

#endif
