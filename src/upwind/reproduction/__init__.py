"""Did a run give the same as another, or as the published demo; and if not, why?"""
