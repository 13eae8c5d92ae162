// SPDX-License-Identifier: MIT
/* What can be traced here, found by trying. */
#ifndef RINGLIGHT_DOCTOR_H
#define RINGLIGHT_DOCTOR_H

/* Prints a DoctorReport (src/protocol/launch.ts) as JSON. Returns the exit status: 0, or 3 when nothing can be traced. */
int doctor_run(void);
/* Loads, attaches and detaches everything; says so on stderr. The same exit status. */
int self_test_run(void);

#endif
