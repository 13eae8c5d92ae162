// SPDX-License-Identifier: MIT
#include "pace.h"

#define MS 1000000ULL
#define STEPS_DOWN 3
/* shares of a queue: above the one it goes down, below the other it is calm */
#define PRESSED 0.5
#define CALM 0.1
/* how long the last step is given to show an effect */
#define REST (50 * MS)
/* calm before a step up; doubled each time that it was too early */
#define LEAST_PATIENCE (2000 * MS)
#define MOST_PATIENCE (30000 * MS)

void pace_start(struct pace *pace, enum telling telling, uint32_t sample)
{
	*pace = (struct pace){ .telling = telling, .sample = sample, .patience = LEAST_PATIENCE };
}

uint32_t pace_every(const struct pace *pace)
{
	switch (pace->telling) {
	case TELL_SPANS:
		return 1;
	case TELL_SAMPLE:
		return pace->sample;
	case TELL_HISTOGRAMS:
		return 0;
	case TELL_WHAT_FITS:
		break;
	}
	switch (pace->step) {
	case 0:
		return 1;
	case 1:
		return pace->sample;
	case 2:
		return pace->sample * 16;
	default:
		return 0;
	}
}

bool pace_adapt(struct pace *pace, uint64_t now, double kernel, double reader)
{
	double worst = kernel > reader ? kernel : reader;

	if (pace->telling != TELL_WHAT_FITS)
		return false;
	if (worst >= CALM)
		pace->calm = 0;
	else if (!pace->calm)
		pace->calm = now;
	if (worst > PRESSED && pace->step < STEPS_DOWN && now - pace->changed > REST) {
		/* it had just gone up */
		if (pace->step > 0 || now - pace->changed < 2 * pace->patience)
			pace->patience = pace->patience * 2 > MOST_PATIENCE ? MOST_PATIENCE : pace->patience * 2;
		pace->step++;
		pace->changed = now;
		return true;
	}
	if (pace->calm && pace->step > 0 && now - pace->calm > pace->patience) {
		pace->step--;
		pace->changed = pace->calm = now;
		return true;
	}
	return false;
}
