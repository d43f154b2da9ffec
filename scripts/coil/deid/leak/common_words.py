"""Words of prose that are also names, titles or roles, in English and German.

Alone they name nobody: "may", "Long" and "Dr" stand in any text. Beside another part of the same
name they do ("Grace Young"); see `coil.deid.leak.people`.
"""

_SHORT = """
ab ad ah all am an and any are as ask at bad be bed big but by can car da dad dan das day de del
den der des did die do dr du eg eh ein el end er es etc far few for fr frau from fun get go god got
had has he hen her herr hi him his how ich ie if il im in ins is ist it its job joy just la le
let lie long lot low ltd ma mai mal man mann may md me med men min mit mix mom mr mri mrs ms mum my
na nay new nie nil no nor not now nur ob odd oh ok old on one or our out own pa per phd pro prof
ray red rot run sad sat saw say see set she shy sie sir six so son sr st sue sun tag tea ten
that the to too top tot tue two um und up us use van via von vor was way we wen wer who why will
win wo yes yet you zu zum zur
"""
_NAMES = """
abbot amber angel april archer art august autumn baker bank barber bell berg berry best bird
bishop black bloom blue book bond bright brook brown burns bush butler carpenter carter case chance
chase christian church clay clear close cole cook cooper crane cross dale daisy dawn days dean dear
dale drake drew duke early east english faith farmer field finger fish fisher flowers ford forest
fox frank free french friend frost gardener gift gold good grace grant gray green grey hall hand
hands hard hardy harmony head heath heart heather held hell hill holly home hood hope
house hunt hunter iris jack jung june kaiser kern king klein knight koch koenig konig kraft
krank kurz lake lamb land lane lang law leicht lily little lock long lord love lieb mai
major march mark marks marsh marshall mason mays mercy mild miles mill miller mind mine
moon moore moss neu noble north nurse nuss page paige park parks parker parson patience
peace pearl penny pick pike pitt pool poole pope porter post potter power price pride prince
pure quick rain reed rest rice rich richter ring rivers rock rose roth ruby sage
sauer sand scharf schnell schwarz self sharp sharpe sherry short sick silver singer skinner small
smart snow sommer south spring stark stein stern stone stork storm stout street strong summer swan
swift taylor teacher temple thorn tief town trend troll true turner unger violet vogel voll wagner
walker wall walls ward waters weber weaver webb weich weiss welcher well wells west white wild
wilder will willing wills wind winter wise wolf wood woods worth wright young zimmer
"""
_ROLES = """
assistant assistants technician technologist operator operators physician doctor doctors student
students staff research researcher radiologist radiographer psychologist psychiatrist neurologist
therapist mother father sister brother parent parents child children wife husband friend friends
partner clinic department institute neurology psychiatry psychology neuro medicine medical center
centre group team night night morning evening before after left right male female
"""

COMMON = frozenset(word for text in (_SHORT, _NAMES, _ROLES) for word in text.split())
